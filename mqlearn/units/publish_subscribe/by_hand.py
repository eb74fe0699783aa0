"""Runs with a broker from a notebook's cell in the place of the package's own, and a record of what
its subscribers hear.

    run_with_broker(FanOut(), LoopBroker)                  a scenario, with that broker in it

So a chart of such a run shows what the code in the notebook's cell does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from mqlearn.messaging.message import Message
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.units.publish_subscribe.scenario import SUBSCRIBERS, TOPIC, FanOut


class SilentCrashSimulation(Simulation):
    """A simulation that ignores the exception that ends a task: a naive broker starts a thread for
    each callback, where it would be lost as well.
    """

    def spawn(
        self,
        target: Callable[..., object],
        *args: Any,
        name: str | None = None,
        daemon: bool = False,
    ) -> Task:
        def run() -> None:
            with suppress(Exception):
                target(*args)

        return super().spawn(run, name=name, daemon=daemon)


def run_with_broker(scenario: FanOut, make: Callable[[Simulation], Any], *, seed: int = 0) -> Run:
    """Return the run of `scenario` with the broker `make(sim)`, which has
    `subscribe(topic, callback)` and `publish(topic, message)`.

    Its tasks and queues run on `sim`. An exception that ends a task is lost, as with real threads.
    """
    check.instance("scenario", scenario, FanOut)
    check.function("make", make)
    with SilentCrashSimulation(seed) as sim:
        trace = Trace()
        broker = make(sim)
        for name in SUBSCRIBERS:
            broker.subscribe(TOPIC, _heard(sim, trace, name, scenario.callback(name, sim)))
        scenario.tell(sim, trace, broker)
        return scenario.report(trace, sim.now, seed)


def _heard(runtime: Runtime, trace: Trace, name: str, callback: Handler) -> Handler:
    """Return the callback with records of each call under the subscriber's name. A message whose
    call fails is recorded as lost.
    """
    numbers = count(1)

    def call(message: Message) -> object:
        number = next(numbers)

        def record(event: str, detail: object) -> None:
            now, worker = runtime.stamp()
            trace.note(
                now,
                event,
                name,
                entry=number,
                message_id=message.id,
                priority=message.priority.name,
                attempt=1,
                worker=worker,
                receipt=number,
                detail=detail,
            )

        # All at one instant: this broker has no queue, so a message is in flight when it is called.
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
