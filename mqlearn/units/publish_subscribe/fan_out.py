"""Exercise 07.1: fan-out, which sends one message into every mailbox and makes no subscriber wait
for another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mqlearn.messaging.message import Message
from mqlearn.study.exercise import Exercise, Mistake
from mqlearn.study.verdict import Verdict
from mqlearn.units.publish_subscribe.mailboxes import (
    BROKEN,
    SLOW,
    Call,
    Morning,
    Workload,
    publish,
    workload_of,
)

Publish = Callable[[Message, dict[str, Any]], list[str]]


class FanOutExercise(Exercise[int, Morning]):
    """First one order to two empty mailboxes; if that is right, a morning of orders to four
    mailboxes that fill up.
    """

    def play(self, answer: Callable[..., Any], case: int) -> Morning:
        one = publish(answer, Workload(case, [0.0], {"board": 0.01, "caterer": 0.01}, 1), judge)
        return publish(answer, workload_of(case), judge) if one.mistake is None else one

    def mistakes(self, world: Morning) -> Iterator[Mistake]:
        if len(world.load.due) == 1 and world.mistake is not None:
            yield world.mistake  # of one order there is nothing to replay
            return
        for found in (world.mistake, _late(world)):
            if found is not None:
                yield Mistake(found.said, found.hint, partial(world.run, f"{found.said}."))

    def summary(self, worlds: list[Morning]) -> str:
        orders = sum(len(world.load.due) for world in worlds)
        return (
            f"{len(worlds)} seeds, {orders:,} orders to four mailboxes: "
            f"{sum(world.refused for world in worlds):,} times a full one refused, and it was "
            "said; the board and the caterer were never more than one order behind"
        )


def check_fan_out(fan_out: Publish) -> Verdict:
    """Grade `fan_out(message, mailboxes)`, which sends a message to all subscribers and returns a
    list with the names of those whose mailbox was full.

    `mailboxes` is a dict from a subscriber's name to its mailbox.
    `mailbox.send(message, timeout=None)` puts a message into it and returns True. If the mailbox is
    full, it waits for room, at most `timeout` seconds (0: not at all; None: without a limit), and
    returns False if there is none. Each mailbox has its own loop, which calls
    `mailbox.callback(message)` with one message after the other.

    In each of 100 seeds 60 orders are published, about ten per second, to four subscribers in any
    order. The board and the caterer take up to 40 ms, the auditor takes 0.5 to 2 s, and the webhook
    always raises. Each order must be sent once to each mailbox, and each refusal returned. The
    board and the caterer may never be more than one order behind.
    """
    return EXERCISE.grade(fan_out)


EXERCISE = FanOutExercise()


def judge(call: Call) -> Mistake | None:
    """Return the mistake of one call, or None, from what was sent to the mailboxes during it."""
    order, answer, asked = call
    names = answer.value
    if (
        answer.error is not None
        or not isinstance(names, list | tuple | set)
        or not all(isinstance(name, str) and name in asked for name in names)
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
        _, taken = answers[0]
        if taken == (name in names):
            did, returned = ("took", "is among") if taken else ("refused", "is not among")
            return Mistake(
                f"{order}: the {name}'s mailbox {did} it, and {returned} those returned; {answer}",
                "send returns False where there is no room",
            )
    return None


def _late(morning: Morning) -> Mistake | None:
    """Return the mistake of a morning where a fast subscriber was behind, or None."""
    for name, takes in morning.load.takes.items():
        most, when = morning.behind(name)
        if name not in (SLOW, BROKEN) and most > 1:
            return Mistake(
                f"the {name}, who takes {1000 * takes:.0f} ms, is {most} orders behind at "
                f"{-when:.1f} s",
                "who waits for whom? A mailbox that is full can be asked without waiting",
            )
    return None
