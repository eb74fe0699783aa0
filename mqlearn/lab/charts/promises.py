"""The chart "promises": what producers were told, against what the log has."""

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Chart, Predictions

YES, NO, SILENT = "yes", "no", "no answer"
ANSWERS = (YES, NO, SILENT)
ROW, HEAD = 22, 34  # pixels: a row of the table, and what stands above the first
COLUMNS = ("in the log", "not in the log")
GOOD, BAD, UNSURE = "#BFE6D8", style.LOST, "#F8DCA3"
# A promise that is kept is green; a broken one is orange; what is unknown is yellow.
FILLS = {
    (YES, True): GOOD,
    (YES, False): BAD,
    (NO, True): UNSURE,
    (NO, False): GOOD,
    (SILENT, True): UNSURE,
    (SILENT, False): UNSURE,
}


class Promises(Chart):
    """A table of orders: told yes, told no, or not answered, and in the log or not in it.

    "Yes" and not in the log is orange: an acknowledged order is lost. A prediction is of their
    number.
    """

    name, full_row, takes_prediction = "promises", True, True
    min_height, stretch = HEAD + 3 * ROW + 4, 0.1
    needs = ("elected", "acknowledged", "refused", "unanswered")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("orders: what their producer was told, and what the newest leader's log has")
        self.left, self.wide = box.x + 112, 150.0
        for column, label in enumerate(COLUMNS):
            x = self.left + column * (self.wide + 6) + self.wide / 2
            canvas.text(x, box.y + HEAD - 7, label, ha="center", size=style.SMALL)
        self.cells = {
            key: canvas.moving(
                PolyCollection([], facecolor=fill, linewidth=0, transform=canvas.figure.transFigure)
            )
            for key, fill in FILLS.items()
        }
        self.numbers = {}
        for key, cell in self.cells.items():
            canvas.figure.add_artist(cell)
            row, column = ANSWERS.index(key[0]), 0 if key[1] else 1
            x = self.left + column * (self.wide + 6)
            y = box.y + HEAD + row * ROW
            self.numbers[key] = canvas.text(
                x + self.wide / 2, y + ROW / 2 - 1, ha="center", va="center", bold=True
            )
        for row, said in enumerate(ANSWERS):
            label = said if said == SILENT else f"told {said}"
            canvas.text(
                self.left - 8, box.y + HEAD + row * ROW + ROW / 2 - 1, label, ha="right",
                va="center",
            )  # fmt: skip
        right = self.left + 2 * (self.wide + 6) + 4
        y = box.y + HEAD + ROW / 2 - 1
        room = box.x + box.width - right
        self.told = [canvas.text(right, y + 16 * line, va="center", room=room) for line in range(3)]

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        for key, cell in self.cells.items():
            count = _count(run, *key)
            row, column = ANSWERS.index(key[0]), 0 if key[1] else 1
            x, y = self.left + column * (self.wide + 6), self.box.y + HEAD + row * ROW
            cell.set_verts([self.canvas.corners(x, y, self.wide, ROW - 2)])
            cell.set_facecolor(FILLS[key] if count else style.TRACK)
            number = self.numbers[key]
            number.color = style.PAPER if count and FILLS[key] == BAD else style.INK
            number.text = style.number(count)
            if ghost is not None:
                number.text += f"  (baseline {style.number(_count(ghost, *key))})"
        lines = []
        if predictions.prediction is not None:
            lines.append((f"you said {style.number(predictions.prediction)} lost", True))
        if predictions.room:
            low, high = min(predictions.room), max(predictions.room)
            lines.append((f"the room {style.number(low)} to {style.number(high)}", True))
        twice = len(run.promises.twice)
        if twice:
            lines.append((f"{style.number(twice)} in it twice", False))
        for label, (text, said) in zip(self.told, [*lines, *[("", False)] * 3], strict=False):
            label.text, label.weight = text, "bold" if said else "normal"
            label.color = style.PREDICTED if said else style.INK

    def measured(self, run: ChartData) -> float:
        return float(len(run.promises.lost))

    def sentence(self, run: ChartData) -> str:
        said = run.promises
        rows = "; ".join(
            f"{'not answered' if answer == SILENT else f'told {answer}'}: "
            f"{style.number(_count(run, answer, True))} in the log, "
            f"{style.number(_count(run, answer, False))} not in it"
            for answer in ANSWERS
        )
        twice = f"; {style.number(len(said.twice))} in it twice" if said.twice else ""
        return f"Promises: {rows}{twice}."


def _count(run: ChartData, said: str, there: bool) -> int:
    """Return how many orders got this answer and are in the log, or are not."""
    answers = ("maybe", "nothing") if said == SILENT else (said,)
    return sum(int(run.promises.count[answer, there]) for answer in answers)
