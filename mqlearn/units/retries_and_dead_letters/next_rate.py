"""Exercise 04.3: the rate of a redrive, without knowing the spare capacity of the service. Graded
on random capacities.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from typing import Any, NamedTuple

from mqlearn.messaging.message import COMPLETED, Outcome
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.run import Run
from mqlearn.study.tries import Life, Try, run_of_tries
from mqlearn.study.verdict import Verdict
from mqlearn.units.retries_and_dead_letters.overload import Service

NEW = 10  # new orders per second
TIMEOUT = 2.0  # seconds
AT_MOST = 2.5  # times the seconds that the letters take at exactly the spare rate
FAILED = 0.1  # the largest share of the letters' tries that may fail
BEGIN = 1.0  # letters per second, the first rate
HIGHEST = 1e6  # letters per second, the largest rate that an answer may give


class Call(NamedTuple):
    """A call of the service from `start` to `end` (s), for the new order with the id `order`; ""
    if it is for a dead letter.
    """

    start: float
    order: str
    end: float
    answered: bool


@dataclass
class Morning:
    """A morning after an outage: the service is up again, with `letters` dead letters. It can do
    `spare` calls per second beside those for new orders.

    `calls` are all calls that were made, `rates` the rate of each second, `left` is the number of
    letters that were not done, `seconds` the time (s) of the last ended try, and `mistake` that of
    an answer that was no rate.
    """

    seed: int
    spare: float
    letters: int
    calls: list[Call] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    left: int = 0
    seconds: float = 0.0
    mistake: Mistake | None = None

    @property
    def limit(self) -> float:
        """The time limit for all letters (s)."""
        return AT_MOST * self.letters / self.spare

    @property
    def failures(self) -> list[float]:
        """The ends (s) of the letters' tries that failed."""
        return [call.end for call in self.calls if not call.order and not call.answered]

    @property
    def failed(self) -> float:
        """The share of the letters' tries that fail, if from now on no try fails: each letter has
        one good try, so there are as many tries as letters and failures.
        """
        failures = len(self.failures)
        return failures / (self.letters + failures)


class NextRateExercise(Exercise[int, Morning]):
    """A redrive that must be finished soon, and whose tries must seldom fail."""

    def play(self, answer: Callable[..., Any], case: int) -> Morning:
        morning = morning_of(case)
        morning.mistake = _deaf(answer) or _redrive(answer, morning)
        return morning

    def mistakes(self, world: Morning) -> Iterator[Mistake]:
        if world.mistake is not None:
            yield world.mistake
            return
        scene = f"{world.letters:,} letters, {world.spare:.1f} a second to spare"
        make_run = partial(replay, world)
        if world.failed > FAILED:
            failures = world.failures
            yield Mistake(
                f"{scene}: {len(failures):,} tries of letters failed from {min(failures):.1f} to "
                f"{max(failures):.1f} s, more than {FAILED:.0%} of all, at up to "
                f"{max(world.rates):.3g} a second",
                "rise slowly, and when something fails give the service room to catch up",
                make_run,
            )
        elif world.left:
            yield Mistake(
                f"{scene}: {world.left:,} are not done at {world.limit:.0f} s, at a rate of "
                f"{world.rates[-1]:.3g} a second, and {world.failed:.0%} of their tries failed",
                "as long as nothing fails there may be more to spare",
                make_run,
            )

    def summary(self, worlds: list[Morning]) -> str:
        slowest = max(morning.seconds * morning.spare / morning.letters for morning in worlds)
        return (
            f"{len(worlds)} seeds, {sum(morning.letters for morning in worlds):,} letters: all "
            f"done within {slowest:.2f} times the shortest time there is, and at most "
            f"{max(morning.failed for morning in worlds):.0%} of their tries failed"
        )


def check_next_rate(next_rate: Callable[[float, int, int], float]) -> Verdict:
    """Grade `next_rate(rate, ok, failed)`, which returns the number of dead letters to redrive in
    the next second.

    It is called once per second. `rate` is the rate of the last second, at first 1 per second; `ok`
    and `failed` are the numbers of redriven letters that were answered and that failed in that
    second. The service can do 5 to 20 calls per second beside ten new orders. A caller gives up
    after 2 s, but the service still does the late work. A letter that fails is a dead letter again;
    a new order that fails is not tried again here. In each of 100 seeds 1,500 to 3,000 letters must
    be done within 2.5 times the time that they take at exactly the spare rate, and at most 10 % of
    their tries may fail.
    """
    return EXERCISE.grade(next_rate)


EXERCISE = NextRateExercise()


def _deaf(next_rate: Callable[..., Any]) -> Mistake | None:
    """Return the mistake of a function that ignores failures, or that returns no rate; else
    None.
    """
    calm, trouble = call_answer(next_rate, 5.0, 5, 0), call_answer(next_rate, 5.0, 0, 5)
    if mistake := _no_rate(calm, 5.0, 5, 0) or _no_rate(trouble, 5.0, 0, 5):
        return mistake
    # A constant rate may pass by luck in some seeds, but it is no answer to the question.
    if calm.value == trouble.value:
        return Mistake(
            f"at a rate of 5, whether all letters were answered or all failed, {calm}",
            "rise while letters are answered, fall when they fail",
        )
    return None


def _no_rate(answer: Answer, rate: float, ok: int, failed: int) -> Mistake | None:
    if answer.error is None and is_number(answer.value) and 0 <= answer.value <= HIGHEST:
        return None
    return Mistake(
        f"with a rate of {rate:.3g}, {ok} answered and {failed} failed, expected a number of "
        f"letters a second from 0, {answer}",
        "return the rate for the next second",
    )


def morning_of(seed: int) -> Morning:
    """Draw this seed's number of letters, and the spare capacity of its service."""
    rng = random.Random(f"redrive {seed}")
    return Morning(seed, rng.uniform(5, 20), NEW * rng.randint(150, 300))


def _redrive(next_rate: Callable[..., Any], morning: Morning) -> Mistake | None:
    """Redrive this morning's letters at the rates that `next_rate` returns. Return the mistake of
    an answer that was no rate, or None.
    """
    service = Service(NEW + morning.spare, TIMEOUT)
    waiting, rate, credit = morning.letters, BEGIN, 0.0
    under_way: list[tuple[float, bool]] = []  # letters' tries: when they end (s), if answered
    undone, failures = morning.letters, 0
    for second in range(int(morning.limit) + 1):
        morning.rates.append(rate)
        # The rest of a rate is carried over: at 0.5 one letter is redriven every other second.
        credit = min(credit + rate, waiting + 1.0)
        count = min(int(credit), waiting)
        credit, waiting = credit - count, waiting - count
        due = [
            (second + number / NEW, f"order-{second * NEW + number + 1}") for number in range(NEW)
        ]
        # half a gap later than the orders, so that letters and orders never come at the same time
        due += [(second + (number + 0.5) / count, "") for number in range(count)]
        for time, order in sorted(due):
            takes, answered = service.call(time)
            morning.calls.append(Call(time, order, time + takes, answered))
            if not order:
                heappush(under_way, (time + takes, answered))
        ok = failed = 0
        while under_way and under_way[0][0] < second + 1:
            end, answered = heappop(under_way)
            ok, failed = ok + answered, failed + (not answered)
            morning.seconds = end
        undone, waiting, failures = undone - ok, waiting + failed, failures + failed
        # The limit is passed whatever comes later, so the rest need not be played.
        if failures > FAILED * (morning.letters + failures):
            break
        if not undone:
            return None
        answer = call_answer(next_rate, rate, ok, failed)
        if mistake := _no_rate(answer, rate, ok, failed):
            return mistake
        rate = float(answer.value)
    morning.left = undone
    return None


def replay(morning: Morning) -> Run:
    """Return the run of this morning's calls. The letter that has been dead for the longest time is
    redriven first.
    """
    letters: list[list[Try]] = [[] for _ in range(morning.letters)]
    dead = deque(range(morning.letters))
    failing: list[tuple[float, int]] = []  # letters under way that will fail: when (s), which
    orders = []
    for call in morning.calls:
        outcome = COMPLETED if call.answered else Outcome("failed", "timeout")
        tried = Try(call.start, call.end, outcome, "caller")
        if call.order:
            orders.append(Life(call.order, call.start, (tried,)))
            continue
        while failing and failing[0][0] <= call.start:
            dead.append(heappop(failing)[1])
        letter = dead.popleft()
        letters[letter].append(tried)
        if not call.answered:
            heappush(failing, (call.end, letter))
    lives = [
        Life(f"letter-{number}", 0.0, tries, dead="outage")
        for number, tries in enumerate(letters, 1)
    ]
    done = f"{morning.letters - morning.left:,} of {morning.letters:,} letters are done"
    return run_of_tries(
        None,
        lives + orders,
        seed=morning.seed,
        verdict=f"{done}, {morning.failed:.0%} failed.",
        theory={"capacity": NEW + morning.spare},
        charts=("load", "dead"),
    )
