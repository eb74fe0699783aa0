"""Exercise 01.1: the key by which a heap serves the most urgent message first, and equals as they
were sent.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade, short_repr
from mqlearn.study.verdict import Verdict

SENDS = 200
TICKS = (0.0, 0.015, 0.030)  # seconds: a coarse clock, on which many messages share a time


class Compared(Exception):
    """Two messages were compared with one another."""


class _Incomparable(Message):
    """A message that says so when it is compared, which happens where a heap finds two equal
    keys.
    """

    def _compared(self, _: object) -> bool:
        raise Compared

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = _compared
    __hash__ = None  # type: ignore[assignment]


def check_sort_key(sort_key: Callable[[Message, int], tuple[Any, ...]]) -> Verdict:
    """Whether a heap ordered by `sort_key(message, seq)` is a fair priority queue.

    `seq` counts the messages as they are sent: 0, 1, 2, …; the key is a tuple, and the heap hands
    out the smallest first. The most urgent message must come first, equals in the order of sending.
    The clock is coarse: 200 messages share three timestamps (s). Two messages themselves must never
    be compared.
    """
    return grade(
        mistakes,
        sort_key,
        lambda: (
            f"{len(SEEDS)} seeds, {len(SEEDS) * SENDS:,} messages: all came out by priority, "
            "equals in "
            "the order of "
            "sending, and no two messages were compared"
        ),
    )


def mistakes(sort_key: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first fault with the messages of this seed, if there is one."""
    heap: list[tuple[Any, Message]] = []
    messages = _messages(seed)
    for seq, message in enumerate(messages):
        answer = call_answer(sort_key, message.copy(), seq)
        if isinstance(answer.error, Compared):
            yield _no_order(answer.error, None, message)
            return
        if not isinstance(answer.value, tuple):
            yield Mistake(
                f"expected a tuple for {message.id}, {answer}",
                "a tuple is compared item by item: what decides first stands first",
            )
            return
        try:
            heapq.heappush(heap, (answer.value, message))
        except Exception as error:
            yield _no_order(error, answer.value, message)
            return
    yield from _wrong_order(heap, messages)


def _wrong_order(heap: list[tuple[Any, Message]], messages: list[Message]) -> Iterator[Mistake]:
    number = {message.id: seq for seq, message in enumerate(messages)}
    for due in sorted(messages, key=lambda message: (-message.priority.value, number[message.id])):
        key, served = heap[0]
        try:
            heapq.heappop(heap)
        except Exception as error:
            yield _no_order(error, key, served)
            return
        if served.id == due.id:
            continue
        if served.priority is due.priority:
            yield Mistake(
                f"{served.id} was served before {due.id}, which is {due.priority.name} as "
                "well and was sent "
                "first",
                "after the priority, what tells an earlier message from a later one at any time?",
            )
        else:
            yield Mistake(
                f"{served.id}, {served.priority.name}, was served before {due.id}, "
                f"{due.priority.name}",
                "a heap hands out the smallest key first, and LOW is 1",
            )
        return


def _no_order(error: Exception, key: Any, message: Message) -> Mistake:
    """What is wrong if the heap could not compare the key of this message with another."""
    if isinstance(error, Compared):
        return Mistake(
            f"{message.id} has the same key as another message, so the heap compared the "
            "messages themselves",
            "no two messages may have the same key, and one of your two arguments is "
            "never the same",
        )
    return Mistake(
        f"the key {short_repr(key)} cannot be compared with another: {error}",
        "keys are made of numbers: message.priority.value is one",
    )


def _messages(seed: int) -> list[Message]:
    rng = random.Random(f"sort key {seed}")
    times = sorted(rng.choice(TICKS) for _ in range(SENDS))
    kinds = list(MessagePriority)
    return [
        _Incomparable(id=f"order-{seq}", priority=rng.choice(kinds), timestamp=time)
        for seq, time in enumerate(times)
    ]
