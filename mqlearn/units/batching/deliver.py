"""Exercise 06.3: find the bad ones in a batch with few calls. Graded by chaos."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.study.exercise import (
    SEEDS,
    Answer,
    Mistake,
    RunawayAnswer,
    call_answer,
    grade,
    short_repr,
)
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.batching.by_hand import ReportingStore, run_batch_loop
from mqlearn.units.batching.store import PER_CALL, PER_ITEM, BadRecord

MOST = 128  # items of a batch
PATIENCE = 4  # times the calls of one by one, after which nothing is called any more

Call = Callable[[list[str]], None]
Deliver = Callable[[list[str], Call], tuple[list[str], list[str]]]


def check_deliver(deliver: Deliver) -> Verdict:
    """Whether `deliver(items, call)` delivers every good item once and returns two lists: the good
    and the bad.

    `call(part)` takes a list of items and delivers them all; or, if one of them is bad, it raises
    ValueError before it has delivered any. The order of both lists is free.

    In 100 seeds there are 1 to 128 items, and none, one, a few or half of them are bad. There may
    be no more calls than plain halving makes on the same items: all of them first, and of what
    raises each half, down to the single item.
    """
    return grade(mistakes, deliver, lambda: _success(deliver))


def _success(deliver: Deliver) -> str:
    batches = [answered(deliver, seed)[0] for seed in SEEDS]
    single = [batch for batch in batches if len(batch.bad) == 1]
    return (
        f"{len(batches)} batches, {sum(len(batch.items) for batch in batches):,} items, "
        f"{sum(len(batch.bad) for batch in batches):,} of them bad: every good one was "
        "delivered once, in "
        f"{sum(len(batch.calls) for batch in batches):,} calls, and plain halving makes "
        f"{sum(batch.allowed for batch in batches):,}; with one bad item {_mean(single):.1f} "
        "calls on average"
    )


@dataclass
class Batch:
    """Items and the bad ones among them, the calls that were made, and what they have delivered."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("batches",)
    seed: int
    items: list[str]
    bad: frozenset[str]
    calls: list[list[str]] = field(default_factory=list)
    delivered: Counter[str] = field(default_factory=Counter)

    @property
    def allowed(self) -> int:
        """The calls of plain halving; where a part is odd, of the dearer way to halve it."""
        return max(_halving([item in self.bad for item in self.items], more) for more in (0, 1))

    def call(self, part: Any) -> None:
        """Deliver a list of these items, or raise ValueError if one of them is bad."""
        if len(self.calls) >= PATIENCE * len(self.items) + 1:
            raise RunawayAnswer
        if not isinstance(part, list | tuple) or any(item not in self.items for item in part):
            raise TypeError(f"call takes a list of items of the batch, got {short_repr(part)}")
        self.calls.append(list(part))
        if any(item in self.bad for item in part):
            raise ValueError(f"one of {len(part)} items is bad, and none was delivered")
        self.delivered.update(part)


def _halving(bad: list[bool], more: int) -> int:
    if len(bad) < 2 or not any(bad):
        return 1
    middle = (len(bad) + more) // 2
    return 1 + _halving(bad[:middle], more) + _halving(bad[middle:], more)


def _mean(batches: list[Batch]) -> float:
    return sum(len(batch.calls) for batch in batches) / max(1, len(batches))


def mistakes(deliver: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults with this seed's items."""
    batch, answer = answered(deliver, seed)
    named = sorted(batch.bad, key=batch.items.index)
    scene = (
        f"{len(batch.items)} items, "
        f"{', '.join(named) if 0 < len(named) <= 3 else len(named) or 'none'} bad"
    )
    if answer is not None and (fault := _no_lists(answer, scene)):
        yield fault
        return
    wrong = _endless(batch) if answer is None else _wrong(batch, *answer.value)
    if wrong is not None:
        yield Mistake(f"{scene}: {wrong[0]}", wrong[1], partial(replayed, batch))


def _endless(batch: Batch) -> tuple[str, str]:
    return f"after {len(batch.calls):,} calls it had not returned", "what raises once raises again"


def _wrong(batch: Batch, good: list[str], bad: list[str]) -> tuple[str, str] | None:
    """What is wrong with these two lists, or with what was done for them; and a hint."""
    right = [item for item in batch.items if item not in batch.bad]
    if mistaken := [item for item in bad if item in right]:
        return f"{mistaken[0]} is among the bad ones and is good", "what raises may hold good ones"
    if missing := [item for item in right if not batch.delivered[item]]:
        return (
            f"{missing[0]} is good and was never delivered",
            "a call that raises has delivered nothing",
        )
    if twice := [item for item in right if batch.delivered[item] > 1]:
        return (
            f"{twice[0]} was delivered {batch.delivered[twice[0]]} times",
            "what one call has delivered, no other may deliver again",
        )
    if sorted(good) != sorted(right) or sorted(bad) != sorted(batch.bad):
        return (
            f"{len(good)} good and {len(bad)} bad were returned, and it should be {len(right)} "
            "and "
            f"{len(batch.bad)}",
            "each item is in one of the lists, once",
        )
    if len(batch.calls) > batch.allowed:
        return (
            f"{len(batch.calls)} calls, and plain halving makes {batch.allowed}",
            "all in one call first; what raises, in two halves",
        )
    return None


def _no_lists(answer: Answer, scene: str) -> Mistake | None:
    value = answer.value
    if (
        answer.error is None
        and isinstance(value, tuple | list)
        and len(value) == 2
        and all(
            isinstance(part, list) and all(isinstance(item, str) for item in part) for part in value
        )
    ):
        return None
    return Mistake(
        f"{scene}: expected two lists of items, {answer}",
        "return good, bad; catch what call raises",
    )


def answered(deliver: Callable[..., Any], seed: int) -> tuple[Batch, Answer | None]:
    """This seed's batch after the function has seen it, and what it answered; None if it would not
    end.
    """
    batch = batch_of(seed)
    try:
        return batch, call_answer(deliver, list(batch.items), batch.call)
    except RunawayAnswer:
        return batch, None


def batch_of(seed: int) -> Batch:
    """This seed's items, and the bad ones among them."""
    rng = random.Random(f"bad items {seed}")
    count = rng.choice([rng.randint(1, 20), 2 ** rng.randint(2, 7), rng.randint(20, MOST)])
    items = [f"order-{number}" for number in range(1, count + 1)]
    wanted = rng.choice([0, 1, 1, 1, 2, rng.randint(2, 5), count // 2])
    return Batch(seed, items, frozenset(rng.sample(items, min(count, wanted))))


def replayed(batch: Batch) -> Run:
    """The calls that were made, one after the other, with a store that takes all of a call or
    nothing.
    """
    calls = [part for part in batch.calls if part]

    def loop(queue: InMemoryMessageQueue, store: ReportingStore) -> None:
        held = {message.id: message for message in queue.receive_many(len(batch.items))}
        for part in calls:
            try:
                store.load([held[item] for item in part])
            except BadRecord:
                pass
        for message in held.values():
            if store.written[message.id]:
                queue.ack(message)
            else:
                queue.nack(message, requeue=False, reason="bad record")

    took = sum(PER_CALL + PER_ITEM * len(part) for part in calls)
    run = run_batch_loop(loop, [0.0] * len(batch.items), until=took + PER_CALL, bad=batch.bad)
    return replace(run, scenario=batch, seed=batch.seed)
