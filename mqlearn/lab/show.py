"""Charts of a run in a notebook's cell: `show(run, "depth", "dead", ghost=before)`."""

import dataclasses
from typing import Any

from mqlearn.lab.charts import CHARTS, Chart, Predictions, TableChart
from mqlearn.lab.charts.base import MOST
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.instants import instant_picture
from mqlearn.lab.output import show_png
from mqlearn.runtime import check
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Context, Run

# The charts of a trace: the first pair that has records for both.
DEFAULTS = (("depth", "dead"), ("sizes", "offsets"), ("breaker",))
A_DATE = 1e8  # s: no simulation lasts three years, and real clocks count from 1970
TITLE = 52  # pixels above the first chart
AXIS = 16  # pixels under each chart
TALLER = 1.35  # a chart in a page has more room than in a panel


def show(
    run: Any,
    *charts: str,
    ghost: Any = None,
    at: float | None = None,
    prediction: float | None = None,
    title: str | None = None,
    ghost_title: str | None = None,
) -> None:
    """Show a run, a trace or a table as a picture, and print a sentence that describes it.

    `charts` are names as in a scenario's `CHARTS`, by default those of the run, or else of its
    scenario, or else those that its records allow. `ghost` is a baseline, drawn in grey; `at` (s)
    shows that instant instead of charts; `title` replaces the run's own message, `ghost_title` that
    of the baseline. The times of a live trace count from its first record. A table, a DataFrame, is
    shown by the one chart that is named, such as "measured" or "tradeoff".

    Raises ValueError for a chart of something that the records of a trace do not speak of, and for
    a table that the chart cannot draw.
    """
    table = run if hasattr(run, "to_html") else None
    if table is None:
        run = as_run(run)
    ghost = None if ghost is None else as_run(ghost, "ghost")
    at = check.number("at", at, optional=True)
    prediction = check.number("prediction", prediction, low=-MOST, high=MOST, optional=True)
    check.instance("title", title, str, optional=True)
    check.instance("ghost_title", ghost_title, str, optional=True)
    for name in charts:
        check.one_of("charts", name, CHARTS)
    if table is not None:
        run = _of_table(table, charts, at)
    if at is not None:
        # Twice as fine as it is shown: the picture stays in the page, and pages are printed.
        instant = instant_picture(run)(scale=2)
        instant.draw(run, at)
        show_png(instant.png(), 570, 408)
        print(instant.sentence)
        return
    if run.scenario is None:
        _check_records(run, charts)
    names = charts or run.charts or tuple(getattr(run.scenario, "CHARTS", None) or _default(run))
    # A name that is in no table is left to the dashboard, which refuses it and lists the others.
    known = [CHARTS[name] for name in names if name in CHARTS]
    height = TITLE + sum(int(TALLER * chart.min_height) + AXIS for chart in known)
    width = max((chart.page_width for chart in known), default=Chart.page_width)
    dashboard = Dashboard(names, width, height, scale=2)
    predictions = Predictions(prediction=prediction)
    dashboard.draw(run, ghost, predictions, title=title, ghost_title=ghost_title)
    show_png(dashboard.png(), width, height)
    print(dashboard.sentence(run))


def as_run(run: Any, name: str = "run") -> Any:
    """Return a run as it is, a trace as a run; `name` is the parameter's name in an error.

    The times of a live trace are dates: they are counted from its first record instead.
    """
    # Recognised by their attributes: any object with these methods will do, not only a `Run`.
    if hasattr(run, "depth") and hasattr(run, "jobs"):
        return _from_its_start(run)
    if hasattr(run, "records"):
        return _from_its_start(Run.of(run))
    raise TypeError(f"{name} must be a Run or a Trace, got {check.short_repr(run)}")


def _of_table(table: Any, charts: tuple[str, ...], at: float | None) -> Run:
    """Return a run without records whose context has the table for the chart that is named."""
    if at is not None:
        raise ValueError(f"at must be None: a table is shown, got {check.short_repr(at)}")
    able: dict[str, type[TableChart]] = {
        name: kind
        for name, kind in CHARTS.items()
        if issubclass(kind, TableChart) and kind.shown_alone
    }
    if not charts:
        raise ValueError(
            f"run must be a run or a trace, or a table with its chart ({', '.join(able)}), got "
            f"{check.short_repr(table)}"
        )
    if len(charts) != 1:
        raise ValueError(
            f"charts must be one chart of a table ({', '.join(able)}), got "
            f"{check.short_repr(charts)}"
        )
    check.one_of("charts", charts[0], able)
    kind = able[charts[0]]
    kind.check(table)
    context = Context(tables={kind.name: table})
    return Run(None, 0, Trace(), 0.0, {}, kind.title(table), context=context)


def _from_its_start(run: Any) -> Any:
    records = run.trace.records if isinstance(run, Run) and run.scenario is None else []
    if not records or records[0].time < A_DATE:
        return run
    start, trace = records[0].time, Trace()
    trace.records = [record._replace(time=record.time - start) for record in records]
    return dataclasses.replace(run, trace=trace, until=run.until - start)


def _check_records(run: Any, charts: tuple[str, ...]) -> None:
    """Refuse a chart that would be empty because the records are about something else; a trace
    without any record is shown empty.
    """
    kinds = list(dict.fromkeys(record.event for record in run.trace.records))
    for name in charts:
        needs = CHARTS[name].needs
        if kinds and not set(kinds) & set(needs):
            wanted = f"records of the kind {' or '.join(needs)}" if needs else "a table"
            raise ValueError(
                f"charts must be about what the run recorded: {name!r} needs {wanted}, and there "
                f"are only {', '.join(map(str, kinds))}"
            )


def _default(run: Any) -> tuple[str, ...]:
    kinds = {record.event for record in run.trace.records}
    able = (names for names in DEFAULTS if all(kinds & {*CHARTS[name].needs} for name in names))
    return next(able, DEFAULTS[0])
