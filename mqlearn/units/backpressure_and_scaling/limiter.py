"""Exercise 12.2: a rate limiter for many tenants, with a burst and a short memory."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

SECONDS, POLITE, VISITORS, REMEMBERED = 300.0, 5, 400, 100
GREEDY = "greedy"
ENTITLED = 0.95  # of what the greedy tenant is entitled to, at least
ROWS = 12  # of a replay


def check_limiter(limiter: Callable[[float, int], Any]) -> Verdict:
    """Grade `Limiter(rate, burst)` with `allow(tenant, now) -> bool` and `len()`, the number of
    tenants that it remembers.

    `rate` is in calls per second for each tenant, `burst` in calls, `now` in seconds. In each of
    100 seeds there are, for five minutes, five polite tenants (none of their calls may be refused:
    they pause, and then use their burst), a greedy one that calls ten times as often as it may, and
    400 visitors who call once. Within any t seconds a tenant may be allowed burst + rate·t calls;
    the greedy one must be allowed 95 % of what that comes to; and at the end at most 100 tenants
    may be remembered.
    """
    return EXERCISE.grade(limiter)


class Call(NamedTuple):
    """One call: its time (s), its tenant, and whether a full token bucket would allow it."""

    time: float
    tenant: str
    due: bool


class Door(NamedTuple):
    """A seed's rate (per second), burst (calls), and calls in the order of time."""

    rate: int
    burst: int
    calls: list[Call]


class Asked(NamedTuple):
    """A door, the limiter's answer to each of its calls, the number of tenants that it remembers
    (None if it did not say), and the answer that ended the questions, None if all were answered.
    """

    seed: int
    door: Door
    answers: list[bool]
    remembered: Any
    wrong: Answer | None


@lru_cache(maxsize=len(SEEDS))
def door_of(seed: int) -> Door:
    """Return this seed's calls."""
    rng = random.Random(f"limiter {seed}")
    rate, burst = rng.choice([1, 2, 5]), rng.choice([3, 5, 10])
    calls: list[tuple[float, str]] = []
    for number in range(POLITE):
        time, name = rng.uniform(0, 5), f"polite-{number}"
        while time < SECONDS:
            if rng.random() < 0.02:  # a pause, until the bucket is full, and then all of it at once
                time += burst / rate + rng.uniform(1, 20)
                calls += [(time, name)] * burst
                time += 1 / rate
            else:
                calls.append((time, name))
                time += rng.uniform(1, 1.3) / rate
    time = 0.0
    while time < SECONDS:
        if rng.random() < 0.003:
            time += rng.uniform(20, 60)
        calls.append((time, GREEDY))
        time += rng.expovariate(10 * rate)
    calls += [(rng.uniform(0, SECONDS), f"visitor-{number}") for number in range(VISITORS)]
    return Door(rate, burst, list(_with_due(rate, burst, sorted(calls))))


def _with_due(rate: float, burst: float, calls: list[tuple[float, str]]) -> Iterator[Call]:
    buckets: dict[str, tuple[float, float]] = {}  # by tenant: tokens, and when that was (s)
    for time, tenant in calls:
        tokens, at = buckets.get(tenant, (burst, time))
        tokens = min(burst, tokens + (time - at) * rate)
        due = tokens >= 1 - 1e-9
        buckets[tenant] = tokens - due, time
        yield Call(time, tenant, due)


class LimiterExercise(Exercise[int, Asked]):
    """The calls of each seed, one after the other."""

    def play(self, answer: Callable[..., Any], case: int) -> Asked:
        door = door_of(case)
        made = call_answer(answer, door.rate, door.burst)
        if made.error is not None or not hasattr(made.value, "allow"):
            return Asked(case, door, [], None, made)
        answers: list[bool] = []
        for call in door.calls:
            given = call_answer(made.value.allow, call.tenant, call.time)
            if given.error is not None:
                return Asked(case, door, answers, None, given)
            answers.append(bool(given.value))
        remembered = call_answer(len, made.value)
        wrong = None if remembered.error is None else remembered
        return Asked(case, door, answers, remembered.value, wrong)

    def mistakes(self, world: Asked) -> Iterator[Mistake]:
        door = world.door
        scene = f"rate {door.rate}/s, burst {door.burst}"
        if world.wrong is not None:
            at = len(world.answers)
            where = "of len(limiter)" if at == len(door.calls) else f"at {_call(door.calls[at])}"
            made = world.wrong.error is None or not at
            yield Mistake(
                f"{scene}: expected {'a limiter' if made else 'an answer ' + where}, {world.wrong}",
                "Limiter(rate, burst) needs allow(tenant, now), and __len__ for len()",
            )
            return
        replied = list(zip(door.calls, world.answers, strict=True))
        for call, allowed in replied:
            if call.due and not allowed and call.tenant != GREEDY:
                yield Mistake(
                    f"{scene}: {_call(call)} was refused, and the tenant had a token",
                    "a tenant begins with a full bucket of its own; tokens come with the time, "
                    "also parts of one, and only an allowed call takes one",
                    partial(_table, world, call),
                )
                break
        over = _too_many(door, replied)
        if over is not None:
            first, call, count = over
            yield Mistake(
                f"{scene}: {call.tenant} was allowed {count} calls from {first:.2f} to "
                f"{call.time:.2f} s, burst + rate·t allows "
                f"{door.burst + door.rate * (call.time - first):.1f}",
                "how many tokens can be saved at most?",
                partial(_table, world, call),
            )
        allowed_greedy = sum(ok for call, ok in replied if call.tenant == GREEDY)
        entitled = sum(call.due for call in door.calls if call.tenant == GREEDY)
        if allowed_greedy < ENTITLED * entitled:
            yield Mistake(
                f"{scene}: the greedy tenant was allowed {allowed_greedy} calls, and is entitled "
                f"to {entitled}",
                "a refused call costs no token, and a part of a token is not lost",
                partial(_table, world, next(c for c, ok in replied if c.due and not ok)),
            )
        if not isinstance(world.remembered, int) or world.remembered > REMEMBERED:
            yield Mistake(
                f"{scene}: {short_repr(world.remembered)} tenants are remembered at the end, at "
                f"most {REMEMBERED} may be",
                "what does a bucket that is full again say that a new one does not?",
            )

    def summary(self, worlds: list[Asked]) -> str:
        calls = sum(len(world.door.calls) for world in worlds)
        most = max(world.remembered for world in worlds)
        return (
            f"{len(worlds)} seeds, {calls:,} calls: no polite call was refused, the greedy tenant "
            f"had its share and no more, at most {most} tenants were remembered"
        )


def _too_many(door: Door, replied: list[tuple[Call, bool]]) -> tuple[float, Call, int] | None:
    """Return the first time, the last call and the number of calls of a span of time with too many
    allowed calls of one tenant; None if there is none.
    """
    # By tenant: the smallest of i − rate·tᵢ so far, and its i and tᵢ. Then the calls i to j are too
    # many if j + 1 − rate·tⱼ is more than that by more than the burst.
    lowest: dict[str, tuple[float, int, float]] = {}
    count: dict[str, int] = {}
    for call, allowed in replied:
        if not allowed:
            continue
        i = count.get(call.tenant, 0)
        count[call.tenant] = i + 1
        here = (i - door.rate * call.time, i, call.time)
        low = min(lowest.get(call.tenant, (math.inf, 0, 0.0)), here)
        lowest[call.tenant] = low
        if i + 1 - door.rate * call.time - low[0] > door.burst + 1e-6:
            return low[2], call, i + 1 - low[1]
    return None


def _call(call: Call) -> str:
    return f"allow({call.tenant!r}, {call.time:.2f})"


def _table(world: Asked, last: Call) -> pd.DataFrame:
    """Return the last calls of a tenant up to `last`, with what was answered and what was due."""
    import pandas as pd

    rows = [
        (f"{call.time:.2f}", allowed, call.due)
        for call, allowed in zip(world.door.calls, world.answers, strict=True)
        if call.tenant == last.tenant and call.time <= last.time
    ]
    columns = ["now, s", "your answer", "a full bucket's answer"]
    return pd.DataFrame(rows[-ROWS:], columns=columns).set_index("now, s")


EXERCISE = LimiterExercise()
