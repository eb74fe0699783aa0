"""Exercise 05.2: a breaker's gate that tells a probe's answer from an old one. Its logic, not
threads' races.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any, ClassVar

from mqlearn.messaging.breaker import CLOSED, HALF_OPEN, OPEN
from mqlearn.study.calls import Made, Turn, run_of
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, short_repr
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

CALLERS = 16
COOLDOWN = 10.0  # seconds
PATIENCE = 60.0  # seconds after which a probe without an answer has failed
SHORTEST, LONGEST = 0.1, 40.0  # seconds that a call takes
NEVER = 0.1  # share of the calls that never answer
PAUSE = 4.0  # seconds, on average, until a caller wants in again
UNTIL = 600.0  # seconds
SPOKEN = {CLOSED: "closed", OPEN: "open", HALF_OPEN: "half-open"}

Permit = tuple[int, int]


def check_gate(gate: Callable[[int], Any]) -> Verdict:
    """Whether `Gate(n)` makes a breaker's gate, with `acquire(now)` → a permit or None and
    `report(permit, ok, now)`.

    A permit is any object but None; `now` (s) never goes back. The gate begins closed and follows
    these rules:

    - closed, everybody gets a permit; one failed answer opens it;
    - open, nobody gets one for 10 s; then it is half-open;
    - half-open, n callers get one: probes. When all n have succeeded it is closed; when one fails
      it is open again. A probe that has not answered 60 s after it was let in has failed;
    - an answer counts only if nothing has changed since its permit was given: neither opened, nor
      half-opened, nor closed.

    In each of 100 seeds sixteen callers call a service that is down now and then; a call takes 0.1
    to 40 s, and some never answer. One task runs at a time: it is the logic that is tried, not what
    threads do to it.
    """
    tried = Tried()
    return grade(
        lambda fn, seed: mistakes(fn, seed, tried),
        gate,
        lambda: (
            f"{len(SEEDS)} seeds, {tried.opened:,} openings, {tried.asked:,} times somebody wanted "
            "in: "
            "everybody was let "
            f"in who may, and nobody else; {tried.old:,} answers were old, {tried.lost:,} probes "
            "lost"
        ),
    )


@dataclass
class Tried:
    """What has happened in all seeds together."""

    asked: int = 0
    opened: int = 0
    old: int = 0  # answers that do not count any more
    lost: int = 0  # probes that did not answer in time


@dataclass
class Rules:
    """What a gate must do: the rules of `check_gate`. A permit is a generation and a number within
    it.
    """

    REPLAYS: ClassVar[tuple[str, ...]] = ("load", "breaker")
    n: int
    tried: Tried
    state: str = CLOSED
    since: float = 0.0  # when the state began (s)
    generation: int = 0
    # those without an answer, and since when (s)
    probes: dict[Permit, float] = field(default_factory=dict)
    let_in: int = 0
    old: str = ""  # the last answer that was old, in this generation
    turns: list[Turn] = field(default_factory=list)
    calls: list[Made] = field(default_factory=list)

    def become(self, state: str, when: float) -> None:
        """Another state, from `when` (s) on; a new generation."""
        self.state, self.since, self.probes, self.let_in, self.old = state, when, {}, 0, ""
        self.generation += 1
        self.turns.append((when, state, ""))
        self.tried.opened += state == OPEN

    def pass_time(self, now: float) -> None:
        """What has become by itself by `now` (s)."""
        while True:
            if self.state == OPEN and now >= self.since + COOLDOWN:
                self.become(HALF_OPEN, self.since + COOLDOWN)
            elif self.probes and now >= min(self.probes.values()) + PATIENCE:
                self.tried.lost += 1
                self.become(OPEN, min(self.probes.values()) + PATIENCE)
            else:
                return

    def acquire(self, now: float) -> Permit | None:
        """A permit, if a caller is let in at `now` (s)."""
        self.pass_time(now)
        self.tried.asked += 1
        if self.state == OPEN or (self.state == HALF_OPEN and self.let_in == self.n):
            return None
        self.let_in += 1
        permit = (self.generation, self.let_in)
        if self.state == HALF_OPEN:
            self.probes[permit] = now
        return permit

    def report(self, caller: int, permit: Permit, ok: bool, now: float) -> None:
        """This caller's call has ended at `now` (s)."""
        self.pass_time(now)
        if permit[0] != self.generation:
            self.tried.old += 1
            self.old = f"caller-{caller} reported {'success' if ok else 'failure'} at {now:.1f} s"
            return
        self.probes.pop(permit, None)
        if not ok:
            self.become(OPEN, now)
        elif self.state == HALF_OPEN and self.let_in == self.n and not self.probes:
            self.become(CLOSED, now)


def mistakes(gate: Callable[..., Any], seed: int, tried: Tried | None = None) -> Iterator[Mistake]:
    """The first fault of this seed's gate."""
    rng = random.Random(f"gate {seed}")
    n = rng.randint(1, 3)
    made = call_answer(gate, n)
    if not (
        callable(getattr(made.value, "acquire", None))
        and callable(getattr(made.value, "report", None))
    ):
        yield Mistake(
            f"expected an object with methods acquire(now) and report(permit, ok, now), {made}",
            "hand over the class: Gate(n) makes the gate",
        )
        return
    yield from _used(made.value, Rules(n, tried or Tried()), rng)


def _used(gate: Any, rules: Rules, rng: random.Random) -> Iterator[Mistake]:
    """The first fault of a gate that sixteen callers use."""
    down = outages(rng)
    # What comes: when (s), the caller, and of a call that ends what he was given, by the gate and
    # by the rules.
    events: list[tuple[float, int, Any, Permit | None]] = [
        (rng.uniform(0, 2), caller, None, None) for caller in range(1, CALLERS + 1)
    ]
    heapify(events)
    while events[0][0] < UNTIL:
        now, caller, given, permit = heappop(events)
        if permit is not None:
            answer = call_answer(gate.report, given, is_up(now, down), now)
            if answer.error is not None:
                yield Mistake(
                    f"report({short_repr(given)}, {is_up(now, down)}, {now:.1f}): {answer}",
                    "what it returns is ignored, and it need not raise",
                )
                return
            rules.report(caller, permit, is_up(now, down), now)
        else:
            answer, permit = call_answer(gate.acquire, now), rules.acquire(now)
            if fault := _judged(answer, permit is not None, rules, caller, now):
                yield replace(fault, make_run=partial(replayed, rules, now, fault.said, down))
                return
            if permit is not None:
                end = now + SHORTEST * (LONGEST / SHORTEST) ** rng.random()
                answers = rng.random() >= NEVER
                ok = is_up(end, down) if answers else None
                rules.calls.append(Made(now, end, ok, f"caller-{caller}", rules.state == HALF_OPEN))
                now = end
                if answers:
                    heappush(events, (now, caller, answer.value, permit))
                    continue
        heappush(events, (now + rng.expovariate(1 / PAUSE), caller, None, None))


def outages(rng: random.Random) -> list[tuple[float, float]]:
    """From when to when the service is down (s)."""
    found, time = [], 0.0
    while time < UNTIL:
        start = time + rng.uniform(30, 120)
        time = start + rng.uniform(2, 60)
        found.append((start, time))
    return found


def is_up(time: float, down: list[tuple[float, float]]) -> bool:
    """Whether the service answers at this time (s)."""
    return not any(start <= time < end for start, end in down)


def _judged(answer: Answer, allowed: bool, rules: Rules, caller: int, now: float) -> Mistake | None:
    """What is wrong if this caller was let in and should not be, or the other way round."""
    if answer.error is not None:
        return Mistake(
            f"acquire({now:.1f}): expected a permit or None, {answer}", "any object is a permit"
        )
    if (answer.value is not None) == allowed:
        return None
    been = (
        f"it is {SPOKEN[rules.state]} since {rules.since:.1f} s"
        if rules.generation
        else "it has always been closed"
    )
    old = f"; {rules.old}, of a call that began before" if rules.old else ""
    if allowed:
        room = (
            f", and {rules.let_in - 1} of {rules.n} probes are in"
            if rules.state == HALF_OPEN
            else ""
        )
        return Mistake(
            f"Gate({rules.n}): caller-{caller} was refused at {now:.1f} s: acquire "
            f"returned None, but {been}"
            f"{room}{old}",
            _hint_refused(rules),
        )
    if rules.state == OPEN:
        return Mistake(
            f"Gate({rules.n}): caller-{caller} was let in at {now:.1f} s, but {been}{old}",
            "for 10 s nobody gets a permit, then n do"
            + "; an old answer changes nothing" * bool(rules.old),
        )
    return Mistake(
        f"Gate({rules.n}): caller-{caller} was let in at {now:.1f} s, but {been}, and "
        f"{rules.let_in} of "
        f"{rules.n} probes are in{old}",
        "an old answer is no probe's" if rules.old else "count who is let in while it is half-open",
    )


def _hint_refused(rules: Rules) -> str:
    if rules.old:
        return "an old answer changes nothing: write into the permit to what it belongs"
    if rules.state == HALF_OPEN:
        return (
            "each time it opens the count of probes begins anew, and a lost probe fails after 60 s"
        )
    return (
        "when all its probes have succeeded it is closed"
        if rules.generation
        else "closed, everybody gets a permit"
    )


def replayed(rules: Rules, now: float, said: str, down: list[tuple[float, float]]) -> Run:
    """The calls until `now` (s), the states that the gate should have had, and when the service was
    down.
    """
    calls = [call for call in rules.calls if call.start <= now]
    run = run_of(
        rules, calls, [turn for turn in rules.turns if turn[0] <= now], now + 1.0, broken=down
    )
    return replace(run, verdict=f"{said}.")
