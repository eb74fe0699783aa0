"""Exercise 03.2: a memory for keys that is long enough for every duplicate, and no longer."""

from __future__ import annotations

import gc
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade
from mqlearn.study.verdict import Verdict

HORIZONS = 4  # for how many of them each memory is tried
AT_MOST = 1.1  # times the keys of one horizon
EVERY = 25  # asks between two looks at how much is held

Ask = tuple[float, str, bool]  # when (s), the key, whether it is the first time


def check_first_time(window: Callable[[float, float], Any]) -> Verdict:
    """Whether `Window(horizon_s, rate)` makes a memory whose `first_time(key, now)` is True once
    for each key.

    `now` is in seconds and never goes back. A duplicate comes at most `horizon_s` seconds after the
    first of its key: leases times deliveries and the waiting between them. No more than `rate` new
    keys come a second, and at no time may more than 1.1 times `rate` times `horizon_s` be held.

    In 100 seeds no duplicate may pass within the horizon and no new key may be refused.
    """
    asked = sum(len(day(seed)[2]) for seed in SEEDS)
    twice = sum(not first for seed in SEEDS for *_, first in day(seed)[2])
    return grade(
        mistakes,
        window,
        lambda: (
            f"{len(SEEDS)} seeds, {asked:,} messages: {twice:,} duplicates were known again, no "
            "new "
            "key was refused, and "
            f"never more than {AT_MOST:g} × rate × horizon keys were held"
        ),
    )


def mistakes(window: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first fault of the memory in this seed's day."""
    horizon, rate, asks = day(seed)
    made = call_answer(window, horizon, rate)
    if not callable(getattr(made.value, "first_time", None)):
        yield Mistake(
            f"expected an object with a method first_time(key, now), {made}",
            "hand over the class: Window(horizon_s, rate) makes the memory",
        )
        return
    seen: dict[str, float] = {}
    for number, (now, key, first) in enumerate(asks):
        answer = call_answer(made.value.first_time, key, now)
        seen.setdefault(key, now)
        fault = _judged(answer, first, key, now, seen[key], horizon)
        if fault is None and number % EVERY == 0:
            fault = _too_much(held(made.value), now, AT_MOST * rate * horizon)
        if fault is not None:
            yield fault
            return


def _judged(
    answer: Answer, first: bool, key: str, now: float, since: float, horizon: float
) -> Mistake | None:
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
        f"{key} passed twice: at {since:.1f} s and again {now - since:.1f} s later, "
        "within the horizon of "
        f"{horizon:.0f} s",
        "for how long after its first time must a key be known?",
    )


def _too_much(number: int, now: float, most: float) -> Mistake | None:
    if number <= most:
        return None
    return Mistake(
        f"at {now:.1f} s {number} keys are held, and {most:.0f} are allowed",
        "what is older than the horizon can go: the oldest first, each time somebody asks",
    )


def held(memory: Any) -> int:
    """How many keys this object holds, wherever: distinct texts, or items in its largest container
    if it keeps none.
    """
    found, todo, largest, texts = {id(memory)}, [memory], 0, set[str]()
    while todo:
        item = todo.pop()
        if isinstance(item, dict | list | set | frozenset | tuple | deque):
            largest = max(largest, len(item))
            texts.update(part for part in item if isinstance(part, str))
        if isinstance(item, type) or callable(item):
            continue
        for part in gc.get_referents(item):
            if id(part) not in found and not isinstance(part, str | bytes | int | float | type):
                found.add(id(part))
                todo.append(part)
    return max(largest, len(texts))


@lru_cache(maxsize=len(SEEDS))
def day(seed: int) -> tuple[float, float, list[Ask]]:
    """The horizon (s), the rate (1/s) and what is asked on this seed's day, in the order of time.

    A fifth of the keys come again, up to three times; a third of these duplicates at the end of the
    horizon.
    """
    rng = random.Random(f"window {seed}")
    lease, deliveries, wait = (
        rng.choice([5.0, 10.0, 20.0]),
        rng.randint(2, 5),
        rng.uniform(0.0, 10.0),
    )
    horizon = lease * deliveries + wait
    rate = rng.uniform(60.0, 160.0) / horizon
    asks: list[Ask] = []
    for number in range(int(rate * horizon * HORIZONS)):
        first = (number + rng.uniform(0.0, 0.5)) / rate
        asks.append((first, f"order-{number}", True))
        for _ in range(rng.randint(1, 3) if rng.random() < 0.2 else 0):
            late = rng.uniform(0.97, 0.999) if rng.random() < 1 / 3 else rng.random()
            asks.append((first + horizon * late, f"order-{number}", False))
    return horizon, rate, sorted(asks)
