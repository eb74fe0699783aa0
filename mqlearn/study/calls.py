"""The run that a list of calls makes: what a check has worked out with numbers, on the charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mqlearn.messaging.breaker import STATE_EVENTS
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Record, Trace
from mqlearn.study.run import Context, Run


@dataclass(frozen=True)
class Made:
    """A call from `start` to `end` (s) that succeeded or failed, or, with None, never answered; a
    probe or not.
    """

    start: float
    end: float
    ok: bool | None
    worker: str = "caller"
    probe: bool = False


PROBED = {True: "succeeded", False: "failed: no answer"}
Turn = tuple[float, str, str]  # when (s) a breaker became CLOSED, OPEN or HALF_OPEN, and why


def run_of(
    scenario: Any,
    calls: Sequence[Made],
    turns: Iterable[Turn],
    until: float,
    *,
    seed: int = 0,
    broken: Any = (),
    trouble: str = "down",
    charts: tuple[str, ...] = (),
) -> Run:
    """These calls, each of a message of its own, beside a breaker with these states, observed until
    `until` (s).

    A failed call's message is dead at once: nothing is tried again. `broken` are the spans of time
    (s) in which the service was in `trouble`.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            10**6, visibility_timeout=None, runtime=sim, trace=trace, name="calls"
        )
        for time, state, why in turns:
            record = Record(time, STATE_EVENTS[state], "breaker", 0, "", "", 0, "", 0, why)
            sim.call_at(time, partial(trace.record, record))
        for number, call in enumerate(calls, 1):
            sim.spawn(_make, sim, queue, call, f"call-{number}", name=call.worker)
        sim.run(until=until)
        run = Run.of(trace, until)
    return Run(
        scenario,
        seed,
        trace,
        until,
        run.totals,
        run.verdict,
        context=Context(tuple(broken), trouble, guarded=True),
        charts=charts,
    )


def _make(sim: Simulation, queue: InMemoryMessageQueue, call: Made, name: str) -> None:
    sim.sleep(call.start)
    queue.send(Message(id=name))
    taken = queue.receive(timeout=0)
    assert taken is not None and queue.trace is not None
    queue.trace.note(sim.now, "started", queue.name, delivery=taken, worker=call.worker)
    if call.ok is None:
        return
    sim.sleep(call.end - call.start)
    end = "completed" if call.ok else "failed: no answer"
    queue.trace.note(
        sim.now, "finished", queue.name, delivery=taken, worker=call.worker, detail=end
    )
    if call.probe:
        queue.trace.note(sim.now, "probed", "breaker", worker=call.worker, detail=PROBED[call.ok])
    if call.ok:
        queue.ack(taken)
    else:
        queue.nack(taken, requeue=False, reason="no answer")
