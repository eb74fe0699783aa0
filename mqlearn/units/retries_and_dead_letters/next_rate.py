"""Exercise 04.3: how fast to redrive, without knowing what the service has to spare. Graded by
chaos.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, is_number
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.retries_and_dead_letters.overload import Service

NEW = 10  # new orders a second
TIMEOUT = 2.0  # seconds
AT_MOST = 2.5  # times the seconds that the letters take at exactly the spare rate
FAILED = 0.1  # share of the redriven letters' tries
BEGIN = 1.0  # per second
HIGHEST = 1e6  # per second

# when it began (s), a new order's id or "" for a letter, end (s), answered
Call = tuple[float, str, float, bool]


@dataclass
class Morning:
    """The service is up, `letters` lie in the dead letters, and it can do `spare` calls a second
    beside the new orders.

    `calls` are all calls that were made; `rates` the rate of each second; `left` how many letters
    were not done.
    """

    REPLAYS: ClassVar[tuple[str, ...]] = ("load", "dead")
    seed: int
    spare: float
    letters: int
    calls: list[Call] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    left: int = 0
    seconds: float = 0.0

    @property
    def limit(self) -> float:
        """By when all must be done (s)."""
        return AT_MOST * self.letters / self.spare

    @property
    def failed(self) -> float:
        """The share of the letters' tries that fail, if from now on none does."""
        failures = sum(not call[1] and not call[3] for call in self.calls)
        return failures / (self.letters + failures)


def check_next_rate(next_rate: Callable[[float, int, int], float]) -> Verdict:
    """Whether `next_rate(rate, ok, failed)` finds how many dead letters a second can be redriven.

    It is asked once a second, begins with a rate of 1 a second, and is told how many redriven
    letters were answered and how many failed in that second. The service can do 5 to 20 calls a
    second beside ten new orders; a caller gives up after 2 s, and late work is still done. A letter
    that fails lies in the dead letters again; a new order that fails is not tried again here. In
    each of 100 seeds 1,500 to 3,000 letters must be done within 2.5 times as long as at exactly the
    spare rate, and at most 10 % of their tries may fail.
    """
    return grade(mistakes, next_rate, lambda: _success(next_rate))


def _success(next_rate: Callable[..., Any]) -> str:
    mornings = [work(next_rate, seed)[0] for seed in SEEDS]
    slowest = max(morning.seconds * morning.spare / morning.letters for morning in mornings)
    return (
        f"{len(mornings)} seeds, {sum(morning.letters for morning in mornings):,} letters: all "
        "done within "
        f"{slowest:.2f} times the shortest time there is, and at most "
        f"{max(morning.failed for morning in mornings):.0%} of their tries failed"
    )


def mistakes(next_rate: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults of this seed's morning."""
    if fault := _deaf(next_rate):
        yield fault
        return
    morning, fault = work(next_rate, seed)
    if fault:
        yield fault
        return
    scene = f"{morning.letters:,} letters, {morning.spare:.1f} a second to spare"
    make_run = partial(replayed, morning)
    if morning.failed > FAILED:
        failures = [call[2] for call in morning.calls if not call[1] and not call[3]]
        yield Mistake(
            f"{scene}: {len(failures):,} tries of letters failed from {min(failures):.1f} "
            "to "
            f"{max(failures):.1f} s, more than {FAILED:.0%} of all, at up to "
            f"{max(morning.rates):.3g} a second",
            "rise slowly, and when something fails give the service room to catch up",
            make_run,
        )
    elif morning.left:
        yield Mistake(
            f"{scene}: {morning.left:,} are not done at {morning.limit:.0f} s, at a rate "
            "of "
            f"{morning.rates[-1]:.3g} a second, and {morning.failed:.0%} of their tries "
            "failed",
            "as long as nothing fails there may be more to spare",
            make_run,
        )


def _deaf(next_rate: Callable[..., Any]) -> Mistake | None:
    """What is wrong if failures make no difference to the answer, or it is no rate."""
    calm, trouble = call_answer(next_rate, 5.0, 5, 0), call_answer(next_rate, 5.0, 0, 5)
    if fault := _no_rate(calm, 5.0, 5, 0) or _no_rate(trouble, 5.0, 0, 5):
        return fault
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
        f"with a rate of {rate:.3g}, {ok} answered and {failed} failed, expected a number "
        "of letters a second "
        f"from 0, {answer}",
        "return the rate for the next second",
    )


def morning_of(seed: int) -> Morning:
    """This seed's letters, and what its service has to spare."""
    rng = random.Random(f"redrive {seed}")
    return Morning(seed, rng.uniform(5, 20), NEW * rng.randint(150, 300))


def work(next_rate: Callable[..., Any], seed: int) -> tuple[Morning, Mistake | None]:
    """Redrive this seed's letters at the rates that `next_rate` says, and say where its answer was
    none.
    """
    morning = morning_of(seed)
    service = Service(NEW + morning.spare, TIMEOUT)
    waiting, rate, credit = morning.letters, BEGIN, 0.0
    known: list[tuple[float, bool]] = []  # letters' tries that end: when (s), whether answered
    undone, failures = morning.letters, 0
    for second in range(int(morning.limit) + 1):
        morning.rates.append(rate)
        credit = min(credit + rate, waiting + 1.0)
        count = min(int(credit), waiting)
        credit, waiting = credit - count, waiting - count
        due = [
            (second + number / NEW, f"order-{second * NEW + number + 1}") for number in range(NEW)
        ]
        due += [(second + (number + 0.5) / count, "") for number in range(count)]
        for time, name in sorted(due):
            takes, answered = service.call(time)
            morning.calls.append((time, name, time + takes, answered))
            if not name:
                heappush(known, (time + takes, answered))
        ok = failed = 0
        while known and known[0][0] < second + 1:
            end, answered = heappop(known)
            ok, failed = ok + answered, failed + (not answered)
            morning.seconds = end
        undone, waiting, failures = undone - ok, waiting + failed, failures + failed
        if failures > FAILED * (morning.letters + failures):
            break
        if not undone:
            return morning, None
        answer = call_answer(next_rate, rate, ok, failed)
        if fault := _no_rate(answer, rate, ok, failed):
            return morning, fault
        rate = float(answer.value)
    morning.left = undone
    return morning, None


def replayed(morning: Morning) -> Run:
    """That morning on the package's queue: the same calls begin and end at the same times."""
    with Simulation(morning.seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            10**6, visibility_timeout=None, runtime=sim, trace=trace, name="orders"
        )
        for number in range(1, morning.letters + 1):
            queue.send(Message(id=f"letter-{number}"))
            taken = queue.receive(timeout=0)
            assert taken is not None
            queue.nack(taken, requeue=False, reason="outage")
        for call in morning.calls:
            sim.spawn(_call, sim, queue, call, name="caller")
        sim.run()
        run = Run.of(trace)
    said = (
        f"{morning.letters - morning.left:,} of {morning.letters:,} letters are done, "
        f"{morning.failed:.0%} failed"
    )
    return Run(
        morning,
        morning.seed,
        trace,
        run.until,
        run.totals,
        f"{said}.",
        {"capacity": NEW + morning.spare},
    )


def _call(sim: Simulation, queue: InMemoryMessageQueue, call: Call) -> None:
    """One call of a letter or a new order, from its beginning to its end."""
    time, name, end, answered = call
    sim.sleep(time)
    if not name:
        queue.redrive(limit=1)
    else:
        queue.send(Message(id=name))
    delivery = queue.receive(timeout=0)
    assert delivery is not None and queue.trace is not None
    queue.trace.note(sim.now, "started", queue.name, delivery=delivery, worker="caller")
    sim.sleep(end - time)
    outcome = "completed" if answered else "failed: timeout"
    queue.trace.note(
        sim.now, "finished", queue.name, delivery=delivery, worker="caller", detail=outcome
    )
    if answered:
        queue.ack(delivery)
    else:
        queue.nack(delivery, requeue=False, reason="timeout")
