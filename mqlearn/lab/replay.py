"""The charts of a run that failed an exercise: `replay(17)` after its check said "not yet: seed 17
…".

An exercise that asks only for single answers has no runs; `replay` then shows a table of questions
and answers.
"""

from numbers import Integral
from typing import Any

from mqlearn.lab.show import as_run, show
from mqlearn.runtime import check
from mqlearn.runtime.events import MOVES
from mqlearn.study.verdict import recall

DEFAULT = ("journeys", "depth")


def replay(which: Any = None, *charts: str, at: float | None = None) -> None:
    """Show a run that failed a check, exactly as it was: the run of this seed, by default the last
    that failed.

    `which` may also be a `Run`, a `Trace` or a `Verdict`. `charts` are names as in `show`, by
    default those of the run, or else journeys and depth; `at` (s) shows that instant instead.

    Raises LookupError if no check failed with this seed, ValueError if charts or an instant are
    asked for and the answer is a table.
    """
    if hasattr(which, "failing_seed"):  # a verdict
        which = which.failing_seed
    if isinstance(which, Integral):  # numpy's too: seeds come out of tables
        which = int(which)
    found = recall(which) if which is None or isinstance(which, int) else which
    if hasattr(found, "to_html"):  # a DataFrame
        _show_table(found, charts, at)
        return
    run = as_run(found, "which")
    queue = any(record.event in MOVES for record in run.trace.records)
    show(run, *(charts or run.charts or (DEFAULT if queue else ())), at=at)


def _show_table(table: Any, charts: tuple[str, ...], at: float | None) -> None:
    from IPython.display import display

    if charts:
        raise ValueError(
            f"charts must be none: a table is replayed, got {check.short_repr(charts)}"
        )
    if at is not None:
        raise ValueError(f"at must be None: a table is replayed, got {check.short_repr(at)}")
    display(table)
