"""Who works, and how much of the time."""

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Marks
from mqlearn.lab.view import View


class Utilisation(Chart):
    """Share of the run that each worker spent working; the dotted tick is what theory expects of
    all.
    """

    name, takes_marks, least, weight = "utilisation", False, 92, 1.4

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.said = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.bars = Bars(canvas, box, color=style.IN_FLIGHT, most=10, left=66, right=44)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        shares = run.busy
        expected = run.theory("utilisation")
        theory = {} if expected is None else dict.fromkeys(shares, min(float(expected), 1.0))
        hidden = len(shares) - self.bars.most
        note = "" if expected is None else ", ┆ = theory"
        self.said.text = "share of time at work" + (
            f", {hidden} more not shown" if hidden > 0 else note
        )
        said = [f"{share:.0%}" for share in shares.values()]
        self.bars.draw(
            shares, ghost.busy if ghost is not None else {}, said, theory=theory, full=1.0
        )

    def sentence(self, run: View) -> str:
        if not run.busy:
            return "Utilisation: no worker did anything."
        shares = list(run.busy.values())
        mean = sum(shares) / len(shares)
        one = "the only worker is" if len(shares) == 1 else f"{len(shares)} workers are"
        spread = (
            "" if len(shares) == 1 else f" on average, from {min(shares):.0%} to {max(shares):.0%}"
        )
        return f"Utilisation: {one} busy {mean:.0%} of the time{spread}."
