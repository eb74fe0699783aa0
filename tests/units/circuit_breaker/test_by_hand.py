"""Breakers and workers that a notebook builds, in the place of the package's."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn.units.circuit_breaker.by_hand import run_with_breaker
from mqlearn.units.circuit_breaker.scenario import GuardedCalls


class Alternating:
    """Lets two calls through and opens, at every second report; half-open when asked."""

    state = "CLOSED"

    def __init__(self) -> None:
        self.told: list[tuple[bool, float]] = []

    def allows(self, now: float) -> bool:
        if self.state == "OPEN" and now >= 5:
            self.state = "HALF_OPEN"
        return self.state != "OPEN"

    def report(self, ok: bool, now: float) -> None:
        self.told.append((ok, now))
        self.state = "OPEN" if len(self.told) % 2 == 0 else "CLOSED"


def test_what_a_built_breaker_does_is_recorded() -> None:
    """Its changes of state, its probes, the tries of the workers; books and charts come from
    them.
    """
    built = Alternating()

    def worker(queue: Any, breaker: Any, call: Any) -> None:
        while True:
            while not breaker.allows(queue.runtime.now):
                queue.runtime.sleep(1.0)
            message = queue.receive()
            answered = call(message)
            breaker.report(answered, queue.runtime.now)
            assert queue.ack(message)

    run = run_with_breaker(GuardedCalls(workers=1, window=60.0), built, worker)
    told = [r.event for r in run.trace.records if r.source == "breaker"]
    assert told[:5] == ["opened", "half_opened", "probed", "closed", "opened"]
    assert run.totals["tries"] in (len(built.told), len(built.told) + 1) and run.totals[
        "tries"
    ] == len(run.tries())
    assert run.totals["probes"] == told.count("probed")
    assert told.count("half_opened") - told.count("probed") == (told[-1] == "half_opened"), (
        "the last may be under way"
    )


def test_what_is_no_guard_is_refused() -> None:
    """A scenario of another kind, a breaker without its three, a worker or a service that cannot be
    called.
    """
    with pytest.raises(TypeError, match="scenario must be"):
        run_with_breaker(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="built must have state, got object without it"):
        run_with_breaker(GuardedCalls(), object(), print)
    with pytest.raises(TypeError, match="worker must be callable, got 5"):
        run_with_breaker(GuardedCalls(), Alternating(), 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="call must be callable, got 5"):
        run_with_breaker(GuardedCalls(), call=5)  # type: ignore[arg-type]
