"""Exercise 06.3: find the bad items in a batch with few calls. Graded on random batches."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from mqlearn.messaging.message import COMPLETED, Outcome
from mqlearn.study.exercise import (
    Answer,
    Exercise,
    Mistake,
    RunawayAnswer,
    call_answer,
    short_repr,
)
from mqlearn.study.run import Run
from mqlearn.study.tries import Delivery, Life, Try, run_of_tries
from mqlearn.study.verdict import Verdict
from mqlearn.units.batching.store import PER_CALL, PER_ITEM

MOST = 128  # items of a batch
CALL_LIMIT = 4  # times the number of items: an answer that makes more calls is ended
REFUSED = Outcome("failed", "the store refused it")  # of a call
BAD_RECORD = Outcome("rejected", "bad record")  # of an item, when the calls are over

Call = Callable[[list[str]], None]
Deliver = Callable[[list[str], Call], tuple[list[str], list[str]]]


def check_deliver(deliver: Deliver) -> Verdict:
    """Grade `deliver(items, call)`, which delivers every good item once and returns two lists: the
    good and the bad.

    `call(part)` takes a list of items and delivers them all; or, if one of them is bad, it raises
    ValueError before it has delivered any. The order of both lists is free.

    In 100 seeds there are 1 to 128 items, and none, one, a few or half of them are bad. The answer
    may make no more calls than plain halving on the same items: it calls with all items first, and
    then with each half of every part that raised, down to single items.
    """
    return EXERCISE.grade(deliver)


@dataclass
class Batch:
    """Items and the bad ones among them, the calls that were made, and what they have delivered."""

    seed: int
    items: list[str]
    bad: frozenset[str]
    calls: list[list[str]] = field(default_factory=list)
    delivered: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        named = sorted(self.bad, key=self.items.index)
        few = ", ".join(named) if 0 < len(named) <= 3 else len(named) or "none"
        return f"{len(self.items)} items, {few} bad"

    @property
    def allowed(self) -> int:
        """The number of calls that plain halving makes. An odd part can be cut in two ways: the way
        that costs more calls counts.
        """
        return max(_halving([item in self.bad for item in self.items], more) for more in (0, 1))

    def call(self, part: Any) -> None:
        """Deliver a list of these items, or raise ValueError if one of them is bad."""
        # An answer that calls with the same part again and again would never end.
        if len(self.calls) >= CALL_LIMIT * len(self.items) + 1:
            raise RunawayAnswer
        if not isinstance(part, list | tuple) or any(item not in self.items for item in part):
            raise TypeError(f"call takes a list of items of the batch, got {short_repr(part)}")
        # A copy: the answer may change its list after the call, and a replay needs it as it was.
        self.calls.append(list(part))
        if any(item in self.bad for item in part):
            raise ValueError(f"one of {len(part)} items is bad, and none was delivered")
        self.delivered.update(part)


def _halving(bad: list[bool], more: int) -> int:
    """Return the number of calls that halving makes on items with these `bad` flags. With `more` =
    1 the first half of an odd part is the larger one, with 0 the second.
    """
    if len(bad) < 2 or not any(bad):
        return 1
    middle = (len(bad) + more) // 2
    return 1 + _halving(bad[:middle], more) + _halving(bad[middle:], more)


class Delivered(NamedTuple):
    """A batch after an answer has made its calls, and the answer; None if it would not end."""

    batch: Batch
    answer: Answer | None


class DeliverExercise(Exercise[int, Delivered]):
    """The calls that find the bad items of a batch, against plain halving."""

    def play(self, answer: Callable[..., Any], case: int) -> Delivered:
        batch = batch_of(case)
        try:
            return Delivered(batch, call_answer(answer, list(batch.items), batch.call))
        except RunawayAnswer:
            return Delivered(batch, None)

    def mistakes(self, world: Delivered) -> Iterator[Mistake]:
        batch, answer = world
        if answer is not None and not _is_two_lists(answer):
            yield Mistake(
                f"{batch}: expected two lists of items, {answer}",
                "return good, bad; catch what call raises",
            )
            return
        wrong = _endless(batch) if answer is None else _wrong(batch, *answer.value)
        if wrong is not None:
            said, hint = wrong
            yield Mistake(f"{batch}: {said}", hint, partial(run_of_calls, batch))

    def summary(self, worlds: list[Delivered]) -> str:
        batches = [world.batch for world in worlds]
        single = [len(batch.calls) for batch in batches if len(batch.bad) == 1]
        return (
            f"{len(batches)} batches, {sum(len(batch.items) for batch in batches):,} items, "
            f"{sum(len(batch.bad) for batch in batches):,} of them bad: every good one was "
            f"delivered once, in {sum(len(batch.calls) for batch in batches):,} calls, and plain "
            f"halving makes {sum(batch.allowed for batch in batches):,}; with one bad item "
            f"{sum(single) / len(single):.1f} calls on average"
        )


EXERCISE = DeliverExercise()


def _endless(batch: Batch) -> tuple[str, str]:
    return f"after {len(batch.calls):,} calls it had not returned", "what raises once raises again"


def _wrong(batch: Batch, good: list[str], bad: list[str]) -> tuple[str, str] | None:
    """Return what is wrong with these two lists, or with the calls made for them, and a hint.

    The order is from the worst mistake to the least: an item that is lost comes before a call too
    many.
    """
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
            f"and {len(batch.bad)}",
            "each item is in one of the lists, once",
        )
    if len(batch.calls) > batch.allowed:
        return (
            f"{len(batch.calls)} calls, and plain halving makes {batch.allowed}",
            "all in one call first; what raises, in two halves",
        )
    return None


def _is_two_lists(answer: Answer) -> bool:
    value = answer.value
    return (
        answer.error is None
        and isinstance(value, tuple | list)
        and len(value) == 2
        and all(
            isinstance(part, list) and all(isinstance(item, str) for item in part) for part in value
        )
    )


def batch_of(seed: int) -> Batch:
    """Return this seed's items, and the bad ones among them."""
    rng = random.Random(f"bad items {seed}")
    # Powers of two, which halve without a rest, and others; often a single bad item, since that is
    # where halving saves most.
    count = rng.choice([rng.randint(1, 20), 2 ** rng.randint(2, 7), rng.randint(20, MOST)])
    items = [f"order-{number}" for number in range(1, count + 1)]
    wanted = rng.choice([0, 1, 1, 1, 2, rng.randint(2, 5), count // 2])
    return Batch(seed, items, frozenset(rng.sample(items, min(count, wanted))))


def run_of_calls(batch: Batch) -> Run:
    """Return the run that a replay shows: the calls that were made, one after the other.

    One worker holds the whole batch from the start, and settles it when the last call is over.
    """
    tries: dict[str, list[Try]] = {item: [] for item in batch.items}
    now = 0.0
    for part in filter(None, batch.calls):
        end = now + PER_CALL + PER_ITEM * len(part)
        outcome = REFUSED if batch.bad.intersection(part) else COMPLETED
        for place, item in enumerate(dict.fromkeys(part)):  # an item named twice is called once
            tries[item].append(Try(now, end, outcome, batch=0 if place else len(part)))
        now = end
    lives = [
        Life(
            item,
            0.0,
            tries[item],
            delivery=Delivery(0.0, now, COMPLETED if batch.delivered[item] else BAD_RECORD),
        )
        for item in batch.items
    ]
    return run_of_tries(batch, lives, now + PER_CALL, seed=batch.seed, charts=("batches",))
