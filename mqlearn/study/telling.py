"""A broker that a notebook builds, put in the place of the package's own: what its subscribers heard is recorded.

    told(FanOut(), LoopBroker)                  a scenario, with that broker in it

So a chart of such a run is the trace of the very code in the notebook's cell.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from mqlearn.messaging.message import Message
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.study.scenarios.unit07 import SUBSCRIBERS, TOPIC, FanOut

Spawn = Callable[..., None]


def told(scenario: FanOut, make: Callable[[Spawn], Any], *, seed: int = 0) -> Run:
    """A run of `scenario` whose broker is `make(spawn)`, which has `subscribe(topic, callback)` and `publish`.

    `spawn(target, *args)` starts a thread; what it dies of is printed by a real one, and lost here.
    """
    check.instance("scenario", scenario, FanOut)
    check.function("make", make)
    with Simulation(seed) as sim:
        trace = Trace()
        broker = make(lambda target, *args: _start(sim, target, args))
        for name in SUBSCRIBERS:
            broker.subscribe(TOPIC, _heard(sim, trace, name, scenario.callback(name, sim)))
        scenario.tell(sim, trace, broker)
        return scenario.report(trace, sim.now, seed)


def _start(runtime: Runtime, target: Callable[..., object], args: tuple[Any, ...]) -> None:
    def run() -> None:
        try:
            target(*args)
        except Exception:
            return

    runtime.spawn(run)


def _heard(runtime: Runtime, trace: Trace, name: str, callback: Handler) -> Handler:
    """The callback, with a record of each call in the subscriber's name: a message whose call fails is lost."""
    numbers = count(1)

    def call(message: Message) -> object:
        number = next(numbers)

        def record(event: str, detail: object) -> None:
            now, worker = runtime.witness()
            trace.record((now, event, name, number, message.id, message.priority.name, 1, worker, number, detail))

        for event in ("sent", "received", "started"):
            record(event, None)
        try:
            result = callback(message)
        except Exception as error:
            record("finished", f"failed: {error}")
            record("dropped", "in flight")
            raise
        record("finished", "completed")
        record("acked", None)
        return result

    return call
