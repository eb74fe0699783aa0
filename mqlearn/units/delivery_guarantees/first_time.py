"""Exercise 03.2: a memory of keys that knows every duplicate, and forgets keys when it may."""

from __future__ import annotations

import gc
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict

HORIZONS = 4  # length of a day in horizons, so that most keys must be forgotten before its end
AT_MOST = 1.1  # times the number of keys that come in one horizon
EVERY = 25  # questions from one count of the held keys to the next, since counting is slow


class Ask(NamedTuple):
    """A question to the memory: the time (s), the key, and True if the key is new."""

    time: float
    key: str
    first: bool


class Day(NamedTuple):
    """The horizon (s), the rate of new keys (1/s), and the questions in order of time."""

    horizon: float
    rate: float
    asks: list[Ask]


class Reply(NamedTuple):
    """A question, its answer, and the number of keys held after it; 0 if they were not counted."""

    ask: Ask
    answer: Answer
    held: int


class Memory(NamedTuple):
    """A day, the object that the student's class made for it, and the replies of that object; no
    replies if it has no `first_time`.
    """

    day: Day
    made: Answer
    replies: list[Reply]


class FirstTimeExercise(Exercise[int, Memory]):
    """The keys that a memory knows on each seed's day, and the number of keys that it holds."""

    def play(self, answer: Callable[..., Any], case: int) -> Memory:
        today = day(case)
        made = call_answer(answer, today.horizon, today.rate)
        if not _is_memory(made):
            return Memory(today, made, [])
        replies = []
        for number, ask in enumerate(today.asks):
            reply = call_answer(made.value.first_time, ask.key, ask.time)
            replies.append(Reply(ask, reply, 0 if number % EVERY else held(made.value)))
        return Memory(today, made, replies)

    def mistakes(self, world: Memory) -> Iterator[Mistake]:
        if not _is_memory(world.made):
            yield Mistake(
                f"expected an object with a method first_time(key, now), {world.made}",
                "hand over the class: Window(horizon_s, rate) makes the memory",
            )
        most = AT_MOST * world.day.rate * world.day.horizon
        # The mistake says both times, so the first one is kept.
        since: dict[str, float] = {}  # when each key came for the first time
        for reply in world.replies:
            since.setdefault(reply.ask.key, reply.ask.time)
            wrong = _wrong(reply, since[reply.ask.key], world.day.horizon)
            if wrong is not None:
                yield wrong
            elif reply.held > most:
                yield Mistake(
                    f"at {reply.ask.time:.1f} s {reply.held} keys are held, and {most:.0f} are "
                    "allowed",
                    "what is older than the horizon can go: the oldest first, each time somebody "
                    "asks",
                )

    def summary(self, worlds: list[Memory]) -> str:
        asks = [ask for world in worlds for ask in world.day.asks]
        return (
            f"{len(worlds)} seeds, {len(asks):,} messages: "
            f"{sum(not ask.first for ask in asks):,} duplicates were known again, no new key was "
            f"refused, and never more than {AT_MOST:g} × rate × horizon keys were held"
        )


def check_first_time(window: Callable[[float, float], Any]) -> Verdict:
    """Grade `Window(horizon_s, rate)`, a memory whose `first_time(key, now)` is True once for each
    key.

    `now` is in seconds and never goes back. A duplicate comes at most `horizon_s` seconds after the
    first message with its key: the lease times the number of deliveries, plus the waiting between
    them. At most `rate` new keys come per second, and the memory may never hold more than
    1.1 × `rate` × `horizon_s` keys.

    In 100 seeds the memory must know every duplicate within the horizon, and accept every new key.
    """
    return EXERCISE.grade(window)


EXERCISE = FirstTimeExercise()


def _is_memory(made: Answer) -> bool:
    return callable(getattr(made.value, "first_time", None))


def _wrong(reply: Reply, since: float, horizon: float) -> Mistake | None:
    """Return the mistake in a reply about a key that came first at `since` (s), or None."""
    (now, key, first), answer, _ = reply
    if answer.error is not None or not isinstance(answer.value, bool):
        return Mistake(
            f"first_time({key!r}, {now:.1f}): expected True or False, {answer}",
            "True for a key that comes for the first time, else False",
        )
    if answer.value == first:
        return None
    if first:
        return Mistake(
            f"{key}, new at {now:.1f} s, was taken for a duplicate",
            "only what was seen before may be refused",
        )
    return Mistake(
        f"{key} passed twice: at {since:.1f} s and again {now - since:.1f} s later, within the "
        f"horizon of {horizon:.0f} s",
        "for how long after its first time must a key be known?",
    )


def held(memory: Any) -> int:
    """Return the number of keys that this object holds, in whatever containers it keeps them.

    It is the number of distinct texts, or the size of the largest container if that is larger: an
    answer may keep hashes of its keys, or times, instead of texts.
    """
    # The garbage collector knows what an object refers to, also in attributes of any name.
    found, largest, texts = {id(memory)}, 0, set[str]()
    todo = [memory]  # objects that are still to be looked into
    while todo:
        item = todo.pop()
        if isinstance(item, dict | list | set | frozenset | tuple | deque):
            largest = max(largest, len(item))
            texts.update(part for part in item if isinstance(part, str))
        # Classes and functions refer to whole modules, which are no memory of the answer.
        if isinstance(item, type) or callable(item):
            continue
        for part in gc.get_referents(item):
            if id(part) not in found and not isinstance(part, str | bytes | int | float | type):
                found.add(id(part))
                todo.append(part)
    return max(largest, len(texts))


@lru_cache(maxsize=len(SEEDS))
def day(seed: int) -> Day:
    """Return this seed's day.

    A fifth of the keys come again, up to three times. A third of these duplicates come just before
    the end of the horizon, so that a memory that forgets too early does not know them.
    """
    rng = random.Random(f"window {seed}")
    lease, deliveries = rng.choice([5.0, 10.0, 20.0]), rng.randint(2, 5)
    horizon = lease * deliveries + rng.uniform(0.0, 10.0)
    rate = rng.uniform(60.0, 160.0) / horizon
    asks: list[Ask] = []
    for number in range(int(rate * horizon * HORIZONS)):
        first = (number + rng.uniform(0.0, 0.5)) / rate
        asks.append(Ask(first, f"order-{number}", True))
        for _ in range(rng.randint(1, 3) if rng.random() < 0.2 else 0):
            late = rng.uniform(0.97, 0.999) if rng.random() < 1 / 3 else rng.random()
            asks.append(Ask(first + horizon * late, f"order-{number}", False))
    return Day(horizon, rate, sorted(asks))
