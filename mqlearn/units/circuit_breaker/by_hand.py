"""Runs with a breaker and a worker from a notebook's cells in the place of the package's own.

    run_with_breaker(GuardedCalls(), NaiveBreaker(), worker)   the notebook's breaker and worker
    run_with_breaker(GuardedCalls(), call=hanging)             another service

A breaker has `state`, `allows(now)` and `report(ok, now)`; a worker is a function `worker(queue,
breaker, call)` that never ends. What they do is recorded, so that a chart of such a run shows
what the code in the notebook's cell does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.breaker import HALF_OPEN, STATE_EVENTS
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.faults import Failure
from mqlearn.study.run import Run
from mqlearn.units.circuit_breaker.card_service import Call
from mqlearn.units.circuit_breaker.scenario import GuardedCalls

Worker = Callable[[MessageQueue, Any, Callable[[Message], bool]], object]


class RecordedBreaker:
    """A breaker that passes every call on to `built`, and records its changes of state and its
    probes.

    A call is a probe if the breaker was half-open when it allowed the call. The result of any other
    call is not recorded as a probe, even if `built` counts it as one.
    """

    def __init__(self, built: Any, runtime: Runtime, trace: Trace) -> None:
        for needed in ("state", "allows", "report"):
            if not hasattr(built, needed):
                raise TypeError(f"built must have {needed}, got {type(built).__name__} without it")
        self.built, self.runtime, self.trace = built, runtime, trace
        self._known = built.state
        self._probing: set[str] = set()  # the workers with a probe under way

    @property
    def state(self) -> str:
        """The state that the built breaker gives."""
        return str(self.built.state)

    def allows(self, now: float) -> bool:
        """Return True if a call may be made at `now` (s)."""
        allowed = bool(self.built.allows(now))
        # A breaker may turn half-open in `allows`, so its state is compared before the next line.
        self._look("asked")
        if allowed and self.state == HALF_OPEN:
            # A worker makes one call at a time, so its name is enough to know the probe again.
            self._probing.add(self.runtime.stamp()[1])
        return allowed

    def report(self, ok: bool, now: float) -> None:
        """Report a call that has ended at `now` (s), well (`ok`) or not."""
        worker = self.runtime.stamp()[1]
        if worker in self._probing:
            self._probing.remove(worker)
            self._record("probed", "succeeded" if ok else "failed")
        self.built.report(ok, now)
        self._look("a call succeeded" if ok else "a call failed")

    def _look(self, why: str) -> None:
        """Record the change if the built breaker's state is no longer the last one known."""
        if self.state != self._known:
            self._known = self.state
            self._record(STATE_EVENTS[self.state], why)

    def _record(self, event: str, detail: str) -> None:
        now, worker = self.runtime.stamp()
        self.trace.note(now, event, "breaker", worker=worker, detail=detail)


def run_with_breaker(
    scenario: GuardedCalls,
    breaker: Any = None,
    worker: Worker | None = None,
    *,
    call: Callable[[Message, Runtime], bool] | None = None,
    seed: int = 0,
) -> Run:
    """Return the run of `scenario` with the notebook's `breaker`, and with as many tasks that run
    its `worker` as the scenario has workers.

    Without a breaker and a worker, the scenario's own are used. If `call(message, clock)` is given,
    it is called instead of the scenario's service: it spends time with `clock.sleep(seconds)`, and
    returns True if the service answered.
    """
    check.instance("scenario", scenario, GuardedCalls)
    check.function("worker", worker, optional=True)
    check.function("call", call, optional=True)
    with Simulation(seed) as sim:
        service = None if call is None else _service(call, sim)
        staff = scenario._pool if worker is None else _staff(scenario, breaker, worker)
        return scenario._observed(sim, None, seed, staff, service)


def _service(call: Callable[[Message, Runtime], bool], runtime: Runtime) -> Call:
    def service(message: Message) -> None:
        if not call(message, runtime):
            raise Failure("no answer")

    return service


def _staff(scenario: GuardedCalls, built: Any, worker: Worker) -> Any:
    """Return the function that starts the notebook's workers; they end with the simulation."""

    def staff(queue: MessageQueue, trace: Trace, call: Call) -> Callable[[], object]:
        runtime = queue.runtime
        breaker = RecordedBreaker(built, runtime, trace)

        def recorded(message: Message) -> bool:
            _report(queue, trace, "started", message, None)
            try:
                call(message)
            except Failure as failure:
                _report(queue, trace, "finished", message, f"failed: {failure}")
                return False
            _report(queue, trace, "finished", message, "completed")
            return True

        # As daemons, since a notebook's worker loops forever: the run ends at its window all the
        # same.
        for number in range(scenario.workers):
            runtime.spawn(worker, queue, breaker, recorded, name=f"worker-{number}", daemon=True)
        return lambda: None

    return staff


def _report(
    queue: MessageQueue, trace: Trace, event: str, message: Message, detail: str | None
) -> None:
    now, worker = queue.runtime.stamp()
    trace.note(now, event, queue.name, delivery=message, worker=worker, detail=detail)
