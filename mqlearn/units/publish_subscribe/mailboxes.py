"""The subscribers of exercise 07.1: mailboxes that fill up, and a morning of orders published to
them.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.subscription import Subscription
from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import Answer, Mistake, RunawayAnswer, call_answer
from mqlearn.study.run import Run

ORDERS = 60
MOST = 20  # sends of one order to one mailbox; an answer with more would try forever
AFTER = 60.0  # seconds after the last order, for the subscribers to clear their backlog
SLOW, BROKEN = "auditor", "webhook"


class Mailbox(Subscription):
    """A subscriber's mailbox, which blocks when it is full. `asked` has a pair for each send: the
    id of the message, and True if the mailbox took it.
    """

    def __init__(
        self, name: str, callback: Callable[[Message], object], queue: InMemoryMessageQueue
    ) -> None:
        super().__init__(name, callback, queue)
        self.asked: list[tuple[str, bool]] = []

    def send(self, message: Message, timeout: float | None = None) -> bool:
        """Put a message into it; False if it is full and stays so for `timeout` seconds (None: as
        long as it takes).
        """
        check.number("timeout", timeout, low=0, optional=True)
        if len(self.asked) >= MOST and self.asked[-MOST][0] == message.id:
            raise RunawayAnswer(f"{message.id}: the {self.name}'s mailbox was asked {MOST} times")
        taken = self.queue.send(message, timeout=timeout)
        self.asked.append((message.id, taken))
        return taken


@dataclass(frozen=True)
class Workload:
    """The times (s) at which orders are due (`due`), the seconds that each subscriber takes for a
    message, in the order of the mailboxes (`takes`), and the number of messages that a mailbox can
    hold (`room`).
    """

    seed: int
    due: list[float]
    takes: dict[str, float]
    room: int


class Call(NamedTuple):
    """One order published: the answer, and for each mailbox the sends during the call."""

    order: str
    answer: Answer
    asked: dict[str, list[tuple[str, bool]]]


@dataclass
class Morning:
    """A workload after it was played: the times (s) at which each subscriber handled its orders, up
    to the first order whose call was a mistake.
    """

    load: Workload
    handled: dict[str, list[float]]
    refused: int = 0  # times that a full mailbox refused an order
    mistake: Mistake | None = None
    trace: Trace = field(default_factory=Trace)

    def behind(self, name: str) -> tuple[int, float]:
        """Return the largest number of orders that this subscriber was behind, the order just
        published included, and the time (s) of that, negated.

        The time is negative so that of several equal numbers the maximum is the earliest one.
        """
        done = self.handled[name]
        return max(
            (number - bisect_right(done, time), -time)
            for number, time in enumerate(self.load.due, 1)
        )

    def run(self, verdict: str) -> Run:
        """Return the run of this morning, with this verdict."""
        run = Run.of(self.trace, self.trace.records[-1].time + 1.0)
        return replace(run, seed=self.load.seed, verdict=verdict, charts=("subscriber_lag",))


def publish(
    fan_out: Callable[..., Any], load: Workload, judge: Callable[[Call], Mistake | None]
) -> Morning:
    """Publish one order after the other with `fan_out`, up to the first call where `judge` returns
    a mistake.
    """
    morning = Morning(load, {name: [] for name in load.takes})
    with Simulation(load.seed) as sim:
        mailboxes = {name: _mailbox(sim, morning, name) for name in load.takes}

        def shop() -> None:
            for number, time in enumerate(load.due, 1):
                sim.sleep_until(time)
                # Graded at once, since the next call may change the list that this one returned.
                morning.mistake = _publish_one(fan_out, f"order-{number}", mailboxes, judge)
                if morning.mistake is not None:
                    return

        def occur(order: str) -> None:
            for name in mailboxes if morning.mistake is None else ():
                morning.trace.note(sim.now, "occurred", name, message_id=order, detail="orders")

        # By timers, so that an order occurs on time also while the shop waits in a full mailbox.
        for number, time in enumerate(load.due, 1):
            sim.call_at(time, partial(occur, f"order-{number}"))
        sim.spawn(shop, name="shop")
        sim.run(until=load.due[-1] + AFTER)
    morning.refused = sum(not taken for each in mailboxes.values() for _, taken in each.asked)
    return morning


def _publish_one(
    fan_out: Callable[..., Any],
    order: str,
    mailboxes: dict[str, Mailbox],
    judge: Callable[[Call], Mistake | None],
) -> Mistake | None:
    before = {name: len(mailbox.asked) for name, mailbox in mailboxes.items()}
    try:
        answer = call_answer(fan_out, Message(id=order, max_retries=0), dict(mailboxes))
    except RunawayAnswer as never:
        return Mistake(str(never), "where there is no room now, the next order finds none either")
    asked = {name: mailbox.asked[before[name] :] for name, mailbox in mailboxes.items()}
    return judge(Call(order, answer, asked))


def _mailbox(sim: Simulation, morning: Morning, name: str) -> Mailbox:
    def handle(message: Message) -> None:
        sim.sleep(morning.load.takes[name])
        if name == BROKEN:
            raise ConnectionError(f"the webhook is gone; {message.id} is lost")
        morning.handled[name].append(sim.now)

    queue = InMemoryMessageQueue(
        morning.load.room,
        visibility_timeout=None,
        on_full="block",
        runtime=sim,
        trace=morning.trace,
        name=name,
    )
    return Mailbox(name, handle, queue)


def workload_of(seed: int) -> Workload:
    """Return this seed's orders and subscribers. The time between two orders is never shorter than
    the fast subscribers take for one.
    """
    rng = random.Random(f"fan-out {seed}")
    takes = {
        "board": rng.uniform(0.01, 0.04),
        "caterer": rng.uniform(0.01, 0.04),
        SLOW: rng.uniform(0.5, 2.0),
        BROKEN: rng.uniform(0.01, 0.04),
    }
    names = rng.sample(list(takes), len(takes))
    time, due = 0.0, []
    for _ in range(ORDERS):
        # At least 50 ms apart, ten per second on average: a fast subscriber is never behind by
        # itself.
        time += 0.05 + rng.expovariate(20)
        due.append(time)
    return Workload(seed, due, {name: takes[name] for name in names}, rng.randint(4, 12))
