"""Charts of a run in a notebook's cell: `show(run, "depth", "dead", ghost=before)`."""

from typing import Any

from mqlearn.lab.board import Board
from mqlearn.lab.charts import CHARTS, Marks
from mqlearn.lab.instant_log import instant_picture
from mqlearn.runtime import check

DEFAULT = ("depth", "dead")
WIDTH = 640
TITLE, SPARE = 52, 1.35  # a chart in a page may be taller than in a panel


def show(
    run: Any,
    *charts: str,
    ghost: Any = None,
    at: float | None = None,
    prediction: float | None = None,
    title: str | None = None,
) -> None:
    """Show a run or a trace as a picture, and print the sentence that says what it shows.

    `charts` are names as in a scenario's `CHARTS`, by default those of the run, or else of its
    scenario.
    `ghost` is a baseline, drawn in grey; `at` (s) shows that instant instead of charts; `title`
    replaces its message.
    """
    run, ghost = as_run(run), None if ghost is None else as_run(ghost, "ghost")
    check.number("at", at, optional=True)
    check.number("prediction", prediction, optional=True)
    check.instance("title", title, str, optional=True)
    for name in charts:
        check.one_of("charts", name, CHARTS)
    if at is not None:
        instant = instant_picture(run)(scale=2)
        instant.draw(run, at)
        _display(instant.png(), 570, 408)
        print(instant.sentence)
        return
    names = charts or run.charts or tuple(getattr(run.scenario, "CHARTS", DEFAULT))
    height = TITLE + sum(int(SPARE * CHARTS[name].least) + 16 for name in names if name in CHARTS)
    board = Board(names, WIDTH, height, scale=2)
    board.draw(run, ghost, Marks(prediction=prediction), title=title)
    _display(board.png(), WIDTH, height)
    print(board.sentence(run))


def as_run(run: Any, name: str = "run") -> Any:
    """A run as it is, a trace wrapped as one; `name` is what an error calls it."""
    if hasattr(run, "depth") and hasattr(run, "jobs"):
        return run
    if hasattr(run, "records"):
        from mqlearn.study.run import Run

        return Run.of(run)
    raise TypeError(f"{name} must be a Run or a Trace, got {run!r}")


def _display(png: bytes, width: int, height: int) -> None:
    from IPython.display import display

    display(
        {"image/png": png, "text/plain": f"<picture, {width} × {height}>"},
        raw=True,
        metadata={"image/png": {"width": width, "height": height}},
    )
