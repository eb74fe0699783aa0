"""A failing run of an exercise on the charts: `replay(17)` after its check said "not yet: seed 17 …"."""

from typing import Any

from mqlearn.lab.show import as_run, show
from mqlearn.study.checks.verdict import recall


def replay(which: Any = None, *charts: str, at: float | None = None) -> None:
    """Show one run exactly as it was: that of a seed that a check failed on, by default the last one.

    Takes a `Run`, a `Trace` or a `Verdict` as well. `charts` are names as in `show`, by default what the
    exercise replays, its journeys and its depth as a rule; `at` (s) shows that instant.

    Raises LookupError if no check failed on the seed.
    """
    if hasattr(which, "failing_seed"):
        which = which.failing_seed
    run = as_run(recall(which) if which is None or isinstance(which, int) else which, "which")
    show(run, *(charts or getattr(run.scenario, "REPLAYS", ("journeys", "depth"))), at=at)
