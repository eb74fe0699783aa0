"""A counter that many threads increment at the same time."""

from __future__ import annotations

import sys
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.threads import ThreadRuntime

SWITCH = 1e-4  # seconds; the default of the interpreter is 5 ms


def count_on_threads(metrics: Any, *, threads: int = 8, calls: int = 100_000) -> str:
    """Let `threads` threads call `metrics.record_message_sent()` at the same time, `calls` times
    each, and return "all" if `metrics.metrics["messages_sent"]` has counted every call, else
    "fewer", or "more".

    How many are lost differs from run to run, so it is not said. Threads are switched every 0.1 ms,
    as often as on a busy machine.
    """
    for needed in ("metrics", "record_message_sent"):
        if not hasattr(metrics, needed):
            raise TypeError(f"metrics must have {needed}, got {type(metrics).__name__} without it")
    threads, calls = check.whole("threads", threads, low=1), check.whole("calls", calls, low=1)
    before = metrics.metrics["messages_sent"]
    record = metrics.record_message_sent

    def work() -> None:
        for _ in range(calls):
            record()

    was = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        runtime = ThreadRuntime()
        for task in [runtime.spawn(work, name=f"sender-{i}") for i in range(threads)]:
            task.join()
    finally:
        sys.setswitchinterval(was)
    counted, called = metrics.metrics["messages_sent"] - before, threads * calls
    return "all" if counted == called else "fewer" if counted < called else "more"
