"""A failing run of an exercise on the charts: `replay(17)` after its check said "not yet: seed 17
…".

Where an exercise asks for single answers there is no run; then it is a table of what was asked and
answered.
"""

from typing import Any

from mqlearn.lab.show import as_run, show
from mqlearn.study.verdict import recall

DEFAULT = ("journeys", "depth")


def replay(which: Any = None, *charts: str, at: float | None = None) -> None:
    """Show one run exactly as it was: that of a seed that a check failed on, by default the last
    one.

    Takes a `Run`, a `Trace` or a `Verdict` as well. `charts` are names as in `show`, by default
    those of the run, or else journeys and depth; `at` (s) shows that instant.

    Raises LookupError if no check failed on the seed, ValueError for charts or an instant of a
    table.
    """
    if hasattr(which, "failing_seed"):
        which = which.failing_seed
    found = recall(which) if which is None or isinstance(which, int) else which
    if hasattr(found, "to_html"):
        _table(found, charts, at)
        return
    run = as_run(found, "which")
    names = charts or run.charts or getattr(run.scenario, "REPLAYS", DEFAULT)
    show(run, *names, at=at)


def _table(table: Any, charts: tuple[str, ...], at: float | None) -> None:
    from IPython.display import display

    if charts or at is not None:
        said = (
            f"charts must be none: a table is replayed, got {charts!r}"
            if charts
            else (f"at must be None: a table is replayed, got {at!r}")
        )
        raise ValueError(said)
    display(table)
