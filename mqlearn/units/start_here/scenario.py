"""Unit 00: what happens to a message when the work fails?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, own_or_given, param, start_shop
from mqlearn.study.words import format_number, format_share

ORDERS = 1000
RETRIES = 3
SPACING = 0.6  # seconds between two orders on average: ten minutes of them
SERVICE = 1.0  # seconds that a try takes


@dataclass(frozen=True)
class FailingWork(Scenario):
    """A thousand orders in ten minutes, three workers, three retries. Each try fails with
    probability `failure_rate`; an order whose four tries all fail is dead.
    """

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
        queue, trace = own_or_given(queue, runtime)
        gaps = (2 * SPACING * runtime.draw("gap", number) for number in range(1, ORDERS + 1))
        faults = Faults(failure_rate=self.failure_rate)
        processor = MessageProcessor(queue)
        processor.register_processor(
            "default", faults.handler(lambda _: "charged", runtime, seconds=SERVICE)
        )
        processor.start_workers(3)
        shop = start_shop(
            runtime,
            queue,
            accumulate(gaps),
            lambda number: Message(id=f"order-{number}", max_retries=RETRIES),
        )
        shop.join()
        count = processor.metrics
        # An order that failed and is not retried is dead. All are settled when the processed and
        # the dead orders together are a thousand.
        while count["processed"] + count["failed"] - count["retried"] < ORDERS:
            runtime.sleep(1.0)
        processor.stop_workers()
        return self._report(trace, runtime.now, seed)

    def _report(self, trace: Trace, until: float, seed: int) -> Run:
        books = trace.balance()
        expected = ORDERS * self.failure_rate ** (RETRIES + 1)
        parts = [
            f"{books.dead:,} of {ORDERS:,} orders died; {format_number(expected)} are expected "
            f"when {format_share(self.failure_rate)} of tries fail.",
            *self._compare_prediction(f"{books.dead:,}"),
        ]
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "tries": sum(record.event == "started" for record in trace.records),
        }
        return Run(self, seed, trace, until, totals, " ".join(parts), {"dead": expected})
