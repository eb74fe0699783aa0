"""Unit 00: what happens to a message when the work fails?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, param

ORDERS = 1000
RETRIES = 3
SPACING = 0.6  # seconds between two orders on average: ten minutes of them
SERVICE = 1.0  # seconds a try takes


@dataclass(frozen=True)
class FailingWork(Scenario):
    """A thousand orders in ten minutes, three workers, three retries; every try may fail."""

    TITLE: ClassVar[str] = "When the work fails"
    CHARTS: ClassVar[tuple[str, ...]] = ("depth", "dead")
    PREDICTS: ClassVar[str] = "dead"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "a good day": {"failure_rate": 0.01},
        "one try in five fails": {"failure_rate": 0.2},
        "two tries in five fail": {"failure_rate": 0.4},
    }

    failure_rate: float = param(
        0.2,
        low=0,
        high=1,
        step=0.01,
        group="failures",
        help="The probability with which each try fails.",
    )
    prediction: float | None = param(
        None, unit="orders", low=0, high=ORDERS, group="load", help="Of 1,000 orders, how many die?"
    )

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        trace = Trace()
        line = (
            InMemoryMessageQueue(runtime=runtime, trace=trace, name="orders")
            if queue is None
            else queue
        )
        processor = MessageProcessor(line)
        faults = Faults(failure_rate=self.failure_rate)

        def shop() -> None:
            for number in range(1, ORDERS + 1):
                runtime.sleep(2 * SPACING * runtime.draw("gap", number))
                line.send(Message(id=f"order-{number}", max_retries=RETRIES))

        processor.register_processor(
            "default", faults.handler(lambda _: "charged", runtime, seconds=SERVICE)
        )
        processor.start_workers(3)
        source = runtime.spawn(shop, name="shop")
        source.join()
        count = processor.metrics
        # the rest have died
        while count["processed"] + count["failed"] - count["retried"] < ORDERS:
            runtime.sleep(1.0)
        processor.stop_workers()
        return self._report(trace if line.trace is None else line.trace, runtime.now, seed)

    def _report(self, trace: Trace, until: float, seed: int) -> Run:
        books = trace.balance()
        expected = ORDERS * self.failure_rate ** (RETRIES + 1)
        tries = sum(record.event == "started" for record in trace.records)
        verdict = (
            f"{books.dead} of {ORDERS:,} orders died; {expected:.1f} are expected when "
            f"{self.failure_rate:.0%} of tries fail."
        )
        if self.prediction is not None:
            verdict += f" You said {self.prediction:g}, it is {books.dead}."
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "tries": tries,
        }
        return Run(self, seed, trace, until, totals, verdict, {"dead": expected})
