"""Exercise 13.2: from the numbers of a queue, before and now, to the cause."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.sample import Sample
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.units.monitoring.quick_shop import Attempt, Order, QuickShop

if TYPE_CHECKING:
    import pandas as pd

ONSET, LATER, WINDOW = 120.0, 150.0, 60.0  # seconds
AT_ONCE, CHANCE = 0.05, 0.01  # seconds of a call that is refused; share of tries that fail anyway
FINE, PRODUCER, RUSH, GONE = "fine", "producer down", "rush", "workers gone"
SLOW, DOWN, POISON, NOTHING = "slow service", "service down", "poison", "nothing done"
STATES = (FINE, PRODUCER, RUSH, GONE, SLOW, DOWN, POISON, NOTHING)
ASKED = 4  # of them in each seed
HINTS = {
    FINE: "at any time some tries fail, and an order waits now and then",
    PRODUCER: "no order comes",
    RUSH: "more orders come than in the calm; fewer are not done",
    GONE: "orders get old, and each takes as long as in the calm",
    SLOW: "orders get old, and each takes longer than in the calm",
    DOWN: "most tries fail",
    POISON: "few tries fail, and some orders die",
    NOTHING: "orders are acked, but `paid` is far below `rate_out`",
}
Numbers = dict[str, float]


class Case(NamedTuple):
    """One state of the shop: its name, the numbers in the calm and now, and the answer."""

    state: str
    calm: Numbers
    now: Numbers
    answer: Answer


class Ward(NamedTuple):
    """A seed's cases."""

    seed: int
    cases: list[Case]


class DiagnoseExercise(Exercise[int, Ward]):
    """Four of eight states in each seed, all to be named rightly."""

    def play(self, answer: Callable[..., Any], case: int) -> Ward:
        ward = Ward(case, [])
        for state in random.Random(f"states {case}").sample(STATES, ASKED):
            calm, now = numbers(case, state)
            said = call_answer(answer, dict(calm), dict(now))
            ward.cases.append(Case(state, calm, now, said))
            if not _is_name(said):
                break
        return ward

    def mistakes(self, world: Ward) -> Iterator[Mistake]:
        for case in world.cases:
            if not _is_name(case.answer):
                yield Mistake(
                    f"expected one of {', '.join(map(repr, STATES))}, {case.answer}",
                    "compare now with calm, the clearest states first",
                )
            elif case.answer.value != case.state:
                yield Mistake(
                    f"it is {case.state!r}, {case.answer}",
                    HINTS[case.state],
                    partial(_table, world),
                )

    def summary(self, worlds: list[Ward]) -> str:
        return (
            f"{len(worlds)} seeds, {sum(len(world.cases) for world in worlds)} shops, and the "
            "state of each was named"
        )


def check_diagnose(diagnose: Callable[[Numbers, Numbers], str]) -> Verdict:
    """Grade `diagnose(calm, now)`, which returns the name of the state that a shop is in.

    Both are dicts of numbers. Over the last 60 s: `rate_in`, `rate_out` and `paid` (orders sent,
    done and charged per second), `error_share` (of the tries, 0 to 1), `dead` (orders that died)
    and `handler_p95_s` (s, nan if no call ended). At that instant: `waiting`, `in_flight`, and
    `oldest_s`, the age of the oldest (s). `calm` was before, `now` is 150 s after something may
    have begun.

    The states: "fine"; "producer down": no orders come; "rush": two times as many; "workers gone":
    the others serve 40 % of the orders; "slow service": 3 to 4.5 times as slow; "service down": it
    refuses at once; "poison": 8 to 15 % of the orders fail at each try; "nothing done": orders are
    acked without work.
    """
    return EXERCISE.grade(diagnose)


EXERCISE = DiagnoseExercise()


class Patient(QuickShop):
    """A shop in one state from `ONSET` seconds on; rates and times are drawn."""

    def __init__(self, seed: int, state: str) -> None:
        super().__init__(random.Random(f"diagnose {seed} {state}"))
        dice, self.state = self.dice, state
        self.usual, self.service = dice.uniform(3, 5), dice.uniform(0.5, 3)
        self.full = max(3, math.ceil(self.usual * self.service / 0.65))
        self.few = max(1, int(0.4 * self.usual * self.service))
        self.slower, self.share = dice.uniform(3, 4.5), dice.uniform(0.08, 0.15)
        self.peak = self.usual * (2 if state == RUSH else 1)

    def rate(self, now: float) -> float:
        if now < ONSET:
            return self.usual
        return 0.0 if self.state == PRODUCER else self.peak

    def workers(self, now: float) -> int:
        return self.few if self.state == GONE and now >= ONSET else self.full

    def attempt(self, now: float, order: Order) -> Attempt:
        state = self.state if now >= ONSET else FINE
        seconds, chance = self.dice.expovariate(1 / self.service), self.dice.random() < CHANCE
        if state == DOWN:
            return Attempt(AT_ONCE, fails=True)
        if state == NOTHING:
            return Attempt(AT_ONCE, charges=False)
        bad = state == POISON and order.luck < self.share
        return Attempt(seconds * (self.slower if state == SLOW else 1), fails=bad or chance)


@lru_cache(maxsize=1024)
def _numbers(seed: int, state: str) -> tuple[tuple[tuple[str, float], ...], ...]:
    shop = Patient(seed, state)
    looks = [ONSET - WINDOW, ONSET, ONSET + LATER - WINDOW, ONSET + LATER]
    before, calm, between, now = shop.watch(looks)
    return tuple(
        tuple(_over_the_window(shop, *pair).items()) for pair in ((before, calm), (between, now))
    )


def numbers(seed: int, state: str) -> tuple[Numbers, Numbers]:
    """Return the numbers of a shop in the calm, and 150 s after this state has begun."""
    calm, now = _numbers(seed, state)
    return dict(calm), dict(now)


def _over_the_window(shop: QuickShop, before: Sample, now: Sample) -> Numbers:
    took = sorted(call.seconds for call in shop.calls if before.now < call.end <= now.now)
    tries = len(took)
    return {
        "rate_in": (now.sent - before.sent) / WINDOW,
        "rate_out": (now.done - before.done) / WINDOW,
        "paid": (now.charged - before.charged) / WINDOW,
        "waiting": now.waiting,
        "in_flight": now.in_flight,
        "oldest_s": now.oldest,
        "error_share": (now.failed - before.failed) / max(tries, 1),
        "dead": now.dead - before.dead,
        "handler_p95_s": percentile(took, 95),
    }


def _is_name(answer: Answer) -> bool:
    return answer.error is None and isinstance(answer.value, str) and answer.value in STATES


def _table(ward: Ward) -> pd.DataFrame:
    """Return the table that a replay shows: the numbers of each case, the state and the answer."""
    import pandas as pd

    rows = [
        {"state": case.state, "you said": case.answer.value, "when": when}
        | {name: round(value, 3) for name, value in values.items()}
        for case in ward.cases
        for when, values in (("calm", case.calm), ("now", case.now))
    ]
    return pd.DataFrame(rows).set_index(["state", "you said", "when"])
