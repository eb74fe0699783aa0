"""Exercise 01.1: a sort key for a heap that must serve the most urgent message first, and messages
of one priority in the order of sending.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict

SENDS = 200
TICKS = (0.0, 0.015, 0.030)  # seconds: a coarse clock, so that many messages share a time


class Compared(Exception):
    """The exception of a comparison of two messages, which the exercise does not allow."""


class _Incomparable(Message):
    """A message that raises when it is compared with another: a heap does that if two keys are
    equal.
    """

    def _compared(self, _: object) -> bool:
        raise Compared

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = _compared
    __hash__ = None  # type: ignore[assignment]


class Keys(NamedTuple):
    """A seed's messages in the order of sending, and the answers for them, up to the first answer
    that is no key.
    """

    messages: list[Message]
    answers: list[Answer]


class SortKeyExercise(Exercise[int, Keys]):
    """Two hundred messages in a heap, which hands them out by their keys."""

    def play(self, answer: Callable[..., Any], case: int) -> Keys:
        keys = Keys(_messages(case), [])
        for seq, message in enumerate(keys.messages):
            keys.answers.append(call_answer(answer, message.copy(), seq))
            if not isinstance(keys.answers[-1].value, tuple):
                break
        return keys

    def mistakes(self, world: Keys) -> Iterator[Mistake]:
        heap: list[tuple[Any, Message]] = []
        for answer, message in zip(world.answers, world.messages, strict=False):
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
            except Exception as error:  # of keys that cannot be compared
                yield _no_order(error, answer.value, message)
                return
        yield from _wrong_order(heap, world.messages)

    def summary(self, worlds: list[Keys]) -> str:
        return (
            f"{len(worlds)} seeds, {len(worlds) * SENDS:,} messages: all came out by priority, "
            "equals in the order of sending, and no two messages were compared"
        )


def check_sort_key(sort_key: Callable[[Message, int], tuple[Any, ...]]) -> Verdict:
    """Grade `sort_key(message, seq)`, the key that orders a heap as a fair priority queue.

    `seq` counts the messages as they are sent: 0, 1, 2, …. The key is a tuple, and the heap hands
    out the smallest key first. The most urgent message must come first, and messages of the same
    priority in the order of sending. The clock is coarse: 200 messages share three timestamps (s).
    The heap must never have to compare two messages themselves.
    """
    return EXERCISE.grade(sort_key)


EXERCISE = SortKeyExercise()


def _wrong_order(heap: list[tuple[Any, Message]], messages: list[Message]) -> Iterator[Mistake]:
    """Yield the mistake about the first message that the heap hands out in the wrong place."""
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


def _no_order(error: BaseException, key: Any, message: Message) -> Mistake:
    """Return the mistake of a message whose key the heap could not compare with another key."""
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
    # Sorted, since a clock does not go back; with equal times only `seq` tells the order.
    times = sorted(rng.choice(TICKS) for _ in range(SENDS))
    kinds = list(MessagePriority)
    return [
        _Incomparable(id=f"order-{seq}", priority=rng.choice(kinds), timestamp=time)
        for seq, time in enumerate(times)
    ]
