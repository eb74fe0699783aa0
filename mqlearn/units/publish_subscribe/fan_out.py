"""Exercise 07.1: one message into every mailbox, and nobody waits for anybody."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.subscription import Subscription
from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import SEEDS, Answer, Mistake, RunawayAnswer, call_answer, grade
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

ORDERS = 60
MOST = 20  # times that a mailbox is asked about one order
AFTER = 60.0  # seconds in which what waits can be worked off
SLOW, BROKEN = "auditor", "webhook"

FanOut = Callable[[Message, dict[str, Any]], list[str]]


def check_fan_out(fan_out: FanOut) -> Verdict:
    """Whether `fan_out(message, mailboxes)` gives a message to every subscriber, and returns who
    refused it.

    `mailboxes` is a dict from a subscriber's name to its mailbox. `mailbox.send(message,
    timeout=None)` puts a message into it and returns True; where it is full it waits for room, for
    `timeout` seconds at most (0: not at all; None: as long as it takes), and returns False if there
    is none. A loop of the mailbox's own calls `mailbox.callback(message)` with one message after
    the other. What is returned is a list of the names of those whose mailbox was full.

    In each of 100 seeds 60 orders are published, some ten a second, to four subscribers in any
    order: the board and the caterer take up to 40 ms, the auditor takes half a second to two, the
    webhook raises whatever it gets. Each mailbox must be asked once about each order, and each
    refusal returned; and the board and the caterer may at no time be more than one order behind.
    """
    refused = [0]
    return grade(
        lambda fn, seed: mistakes(fn, seed, refused),
        fan_out,
        lambda: (
            f"{len(SEEDS)} seeds, {len(SEEDS) * ORDERS:,} orders to four mailboxes: {refused[0]:,} "
            "times a full one "
            "refused, and it was said; the board and the caterer were never more than one order "
            "behind"
        ),
    )


class Mailbox(Subscription):
    """A subscriber's mailbox, which blocks when it is full. `asked` has each message it was sent,
    and the answer.
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


@dataclass
class Hall:
    """A morning's publications: when they are due (s), what each subscriber has handled and when
    (s).
    """

    REPLAYS: ClassVar[tuple[str, ...]] = ("subscriber_lag",)
    seed: int
    due: list[float]
    takes: dict[str, float]  # seconds for a message, in the order of the subscribers
    room: int  # messages that a mailbox holds
    handled: dict[str, list[float]] = field(default_factory=dict)
    refused: int = 0

    def behind(self, name: str) -> tuple[int, float]:
        """By how many orders this subscriber was behind at worst, the one just published included,
        and when (s).
        """
        done = self.handled[name]
        return max(
            (number - bisect_right(done, time), -time) for number, time in enumerate(self.due, 1)
        )


def mistakes(
    fan_out: Callable[..., Any], seed: int, refused: list[int] | None = None
) -> Iterator[Mistake]:
    """The faults with this seed: first of one order for empty mailboxes, then of a whole
    morning.
    """
    calm = Hall(seed, [0.0], {"board": 0.01, "caterer": 0.01}, 1)
    _, fault = publish(fan_out, calm)
    if fault is not None:
        yield fault
        return
    hall = hall_of(seed)
    run, fault = publish(fan_out, hall)
    if refused is not None:
        refused[0] += hall.refused
    for found in (fault, _late(hall)):
        if found is not None:
            yield replace(found, make_run=partial(replace, run, verdict=f"{found.said}."))


def _late(hall: Hall) -> Mistake | None:
    """What is wrong with a morning on which somebody who is fast was behind."""
    for name, takes in hall.takes.items():
        most, when = hall.behind(name)
        if name not in (SLOW, BROKEN) and most > 1:
            return Mistake(
                f"the {name}, who takes {1000 * takes:.0f} ms, is {most} orders behind at "
                f"{-when:.1f} s",
                "who waits for whom? A mailbox that is full can be asked without waiting",
            )
    return None


def publish(fan_out: Callable[..., Any], hall: Hall) -> tuple[Run, Mistake | None]:
    """The run of this morning, up to the first order that was not given to everybody who had room;
    and that fault.
    """
    faults: list[Mistake] = []
    with Simulation(hall.seed) as sim:
        trace = Trace()
        mailboxes: dict[str, Mailbox] = {}
        for name in hall.takes:
            queue = InMemoryMessageQueue(
                hall.room,
                visibility_timeout=None,
                on_full="block",
                runtime=sim,
                trace=trace,
                name=name,
            )
            mailboxes[name] = Mailbox(name, _subscriber(sim, hall, name), queue)

        def shop() -> None:
            for number, time in enumerate(hall.due, 1):
                sim.sleep_until(time)
                before = {name: len(mailbox.asked) for name, mailbox in mailboxes.items()}
                try:
                    answer = call_answer(
                        fan_out, Message(id=f"order-{number}", max_retries=0), dict(mailboxes)
                    )
                except RunawayAnswer as never:
                    faults.append(
                        Mistake(
                            str(never),
                            "where there is no room now, the next order finds none either",
                        )
                    )
                    return
                said = {name: mailbox.asked[before[name] :] for name, mailbox in mailboxes.items()}
                if fault := _judged(answer, f"order-{number}", said):
                    faults.append(fault)
                    return
                hall.refused += len(answer.value)

        def occur(order: str) -> None:
            for name in mailboxes if not faults else ():
                trace.note(sim.now, "occurred", name, message_id=order, detail="orders")

        for number, time in enumerate(hall.due, 1):
            sim.call_at(time, partial(occur, f"order-{number}"))
        sim.spawn(shop, name="shop")
        sim.run(until=hall.due[-1] + AFTER)
        run = Run.of(trace, trace.records[-1][0] + 1.0)
    return replace(run, scenario=hall, seed=hall.seed), faults[0] if faults else None


def _subscriber(sim: Simulation, hall: Hall, name: str) -> Callable[[Message], object]:
    done = hall.handled.setdefault(name, [])

    def handle(message: Message) -> None:
        sim.sleep(hall.takes[name])
        if name == BROKEN:
            raise ConnectionError(f"the webhook is gone; {message.id} is lost")
        done.append(sim.now)

    return handle


def _judged(answer: Answer, order: str, asked: dict[str, list[tuple[str, bool]]]) -> Mistake | None:
    """What is wrong with one call, if these mailboxes were asked about these messages and answered
    so.
    """
    names = answer.value
    if (
        answer.error is not None
        or not isinstance(names, list | tuple | set)
        or not set(names) <= asked.keys()
    ):
        return Mistake(
            f"{order}: expected a list of the names of those who refused it, {answer}",
            "what send answers says whether there was room; callbacks are the mailboxes' "
            "own business",
        )
    for name, answers in asked.items():
        if [message for message, _ in answers] != [order]:
            times = f"{len(answers)} times" if answers else "not"
            return Mistake(
                f"{order}: the {name}'s mailbox was {times} asked; {answer}",
                "send it into each mailbox, once, whatever the others say",
            )
        if answers[0][1] == (name in names):
            did, told = ("took", "is among") if answers[0][1] else ("refused", "is not among")
            return Mistake(
                f"{order}: the {name}'s mailbox {did} it, and {told} those returned; {answer}",
                "send returns False where there is no room",
            )
    return None


def hall_of(seed: int) -> Hall:
    """This seed's publications and subscribers. Two orders are never nearer than it takes the fast
    ones for one.
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
        time += 0.05 + rng.expovariate(20)
        due.append(time)
    return Hall(seed, due, {name: takes[name] for name in names}, rng.randint(4, 12))
