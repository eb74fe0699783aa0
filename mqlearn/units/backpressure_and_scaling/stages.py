"""Two stages, checking and charging, with the loop of the first one from a notebook's cell.

run_stages(check, edge={"max_size": 50}, middle={"max_size": 50, "on_full": "block"})
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.arrivals import poisson

CHECKERS, CHARGERS = 10, 4
SERVICE = 0.5  # seconds on average, at random, at both stages
LAST = 60.0  # seconds at the end over which rates and times are measured

Loop = Callable[[Callable[[float], None], MessageQueue, MessageQueue], None]


@dataclass(frozen=True)
class Stages:
    """The result of a run: rates per second and mean seconds in the house, both over the last
    minute, and counts of orders at the end or in all.
    """

    sent_per_s: float
    done_per_s: float
    seconds: float
    waiting: int
    refused_at_the_edge: int
    checked_then_refused: int
    checked_twice: int

    def __str__(self) -> str:
        return (
            f"sent {self.sent_per_s:.1f}/s, done {self.done_per_s:.1f}/s, an order takes "
            f"{self.seconds:.0f} s; {self.waiting:,} wait at the end; refused at the edge "
            f"{self.refused_at_the_edge:,}, after the check {self.checked_then_refused:,}"
        )


def run_stages(
    loop: Loop,
    *,
    edge: Mapping[str, Any],
    middle: Mapping[str, Any],
    rate: float = 15.0,
    stands: tuple[float, float] | None = None,
    seconds: float = 600.0,
    seed: int = 0,
) -> Stages:
    """Return the result of two stages: ten checkers, 20/s, run `loop(work, edge, middle)`; four
    workers, 8/s, charge what is in `middle`; `rate` orders per second come at random.

    `edge` and `middle` are the settings of the two queues, which have no leases unless they say so.
    Between the two times `stands` (s) no charger takes an order. `work(order)` takes the time
    of a check, half a second on average, at random.
    """
    with Simulation(seed) as sim:
        first, second = (
            InMemoryMessageQueue(**{"visibility_timeout": None, **settings}, runtime=sim, name=name)
            for name, settings in (("edge", edge), ("middle", middle))
        )
        offered: list[bool] = []
        sent: list[float] = []
        done: list[tuple[float, float]] = []
        checked: Counter[str] = Counter()
        refused: list[str] = []

        def takes(what: str, order: str) -> float:
            return -math.log1p(-sim.draw(what, order)) * SERVICE

        def shop() -> None:
            # A blocked producer sends its next order later: all come that it can get rid of.
            last = 0.0
            for number, time in enumerate(poisson(rate, seconds, sim.draw), 1):
                sim.sleep(time - last)
                last = time
                accepted = first.send(Message(id=f"order-{number}", body={"at": sim.now}))
                offered.append(accepted)
                sent.extend([sim.now] if accepted else [])

        def charge() -> None:
            while True:
                if stands is not None and stands[0] <= sim.now < stands[1]:
                    sim.sleep_until(stands[1])
                order = second.receive()
                if order is not None:
                    sim.sleep(takes("charge", order.id))
                    second.ack(order)
                    done.append((sim.now, sim.now - order.body["at"]))

        counted = _Counting(second, checked, refused)
        for number in range(CHECKERS):
            sim.spawn(
                loop, lambda order: sim.sleep(takes("check", order.id)), first, counted,
                name=f"checker-{number}", daemon=True,
            )  # fmt: skip
        for number in range(CHARGERS):
            sim.spawn(charge, name=f"charger-{number}", daemon=True)
        sim.spawn(shop, name="shop", daemon=True)
        sim.run(until=seconds)
        late = [took for time, took in done if time > seconds - LAST]
        return Stages(
            sent_per_s=sum(time > seconds - LAST for time in sent) / LAST,
            done_per_s=len(late) / LAST,
            seconds=fmean(late) if late else math.nan,
            waiting=first.size() + second.size(),
            refused_at_the_edge=offered.count(False),
            checked_then_refused=len(refused),
            checked_twice=sum(times > 1 for times in checked.values()),
        )


class _Counting:
    """The queue in the middle as the first stage sees it: what is sent and refused is counted."""

    def __init__(self, queue: MessageQueue, checked: Counter[str], refused: list[str]) -> None:
        self._queue, self._checked, self._refused = queue, checked, refused

    def send(self, message: Message) -> bool:
        self._checked[message.id] += 1
        accepted = self._queue.send(message)
        if not accepted:
            self._refused.append(message.id)
        return accepted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)
