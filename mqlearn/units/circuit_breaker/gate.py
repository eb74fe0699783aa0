"""Exercise 05.2: a breaker's gate, which must tell a probe's answer from that of an older call.

Its logic is tested, not its behaviour on real threads.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from mqlearn.messaging.breaker import CLOSED, HALF_OPEN, OPEN
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.run import Context, Run
from mqlearn.study.tries import run_of_tries
from mqlearn.study.verdict import Verdict
from mqlearn.units.circuit_breaker.gate_rules import Permit, Rules

CALLERS = 16
SHORTEST, LONGEST = 0.1, 40.0  # seconds that a call takes
NEVER = 0.1  # share of the calls that never answer
PAUSE = 4.0  # seconds, on average, until a caller wants in again
UNTIL = 600.0  # seconds
STATE_TEXTS = {CLOSED: "closed", OPEN: "open", HALF_OPEN: "half-open"}


class Dispute(NamedTuple):
    """The first call of a method, at `now` (s), where the gate's answer differs from the rules.

    `granted` is True if the rules let this caller in; None if the method was `report`.
    """

    call: str
    caller: int
    now: float
    answer: Answer
    granted: bool | None = None


@dataclass(frozen=True)
class Day:
    """Ten minutes of sixteen callers, with the rules beside the gate until the two differ.

    `built` is what `Gate(n)` returned; `down` are the outages of the service, each from and to in
    seconds.
    """

    built: Answer
    rules: Rules
    down: list[tuple[float, float]]
    dispute: Dispute | None = None


class GateExercise(Exercise[int, Day]):
    """The gate beside the rules: both must let in the same callers."""

    def play(self, answer: Callable[..., Any], case: int) -> Day:
        # One generator for rules, outages and calls: gate and rules must meet the same day.
        rng = random.Random(f"gate {case}")
        rules = Rules(rng.randint(1, 3))
        built = call_answer(answer, rules.n)
        if not is_gate(built.value):
            return Day(built, rules, [])
        down = outages(rng)
        return Day(built, rules, down, first_dispute(built.value, rules, down, rng))

    def mistakes(self, world: Day) -> Iterator[Mistake]:
        if not is_gate(world.built.value):
            yield Mistake(
                "expected an object with methods acquire(now) and report(permit, ok, now), "
                f"{world.built}",
                "hand over the class: Gate(n) makes the gate",
            )
        elif world.dispute is not None:
            yield _mistake(world, world.dispute)

    def summary(self, worlds: list[Day]) -> str:
        rules = [world.rules for world in worlds]
        return (
            f"{len(worlds)} seeds, {sum(each.opened for each in rules):,} openings, "
            f"{sum(each.asked for each in rules):,} times somebody wanted in: everybody was let in "
            f"who may, and nobody else; {sum(each.old_answers for each in rules):,} answers were "
            f"old, {sum(each.lost_probes for each in rules):,} probes lost"
        )


def check_gate(gate: Callable[[int], Any]) -> Verdict:
    """Grade `Gate(n)`, which makes a breaker's gate, with `acquire(now)` → a permit or None and
    `report(permit, ok, now)`.

    A permit is any object but None; `now` (s) never goes back. The gate begins closed and follows
    these rules:

    - closed, every caller gets a permit; one failed answer opens it;
    - open, no caller gets one for 10 s; then it is half-open;
    - half-open, n callers get one: probes. When all n have succeeded it is closed; when one fails
      it is open again. A probe that has not answered 60 s after it was let in has failed;
    - an answer counts only if nothing has changed since its permit was given: neither opened, nor
      half-opened, nor closed.

    In each of 100 seeds sixteen callers call a service that is down from time to time; a call takes
    0.1 to 40 s, and some calls never get an answer. One task runs at a time: the check tests the
    logic, not races between threads.
    """
    return EXERCISE.grade(gate)


EXERCISE = GateExercise()


def is_gate(value: Any) -> bool:
    """Return True if this object has the two methods of a gate."""
    return all(callable(getattr(value, method, None)) for method in ("acquire", "report"))


def first_dispute(
    gate: Any, rules: Rules, down: list[tuple[float, float]], rng: random.Random
) -> Dispute | None:
    """Let sixteen callers use the gate, and return the first answer that breaks the rules."""
    # A heap of what happens next: the time (s), the caller, and two permits. A caller that wants in
    # has None for both; one whose call ends has that of the gate and that of the rules.
    events: list[tuple[float, int, Any, Permit | None]] = [
        (rng.uniform(0, 2), caller, None, None) for caller in range(1, CALLERS + 1)
    ]
    heapify(events)
    while events[0][0] < UNTIL:
        now, caller, given, permit = heappop(events)
        if permit is not None:
            ok = is_up(now, down)
            answer = call_answer(gate.report, given, ok, now)
            if answer.error is not None:
                call = f"report({short_repr(given)}, {ok}, {now:.1f})"
                return Dispute(call, caller, now, answer)
            # Only after the gate, so that an answer that raises is shown in the state before it.
            rules.report(caller, permit, ok, now)
        else:
            answer, permit = call_answer(gate.acquire, now), rules.acquire(now)
            granted = permit is not None
            if answer.error is not None or (answer.value is not None) != granted:
                return Dispute(f"acquire({now:.1f})", caller, now, answer, granted)
            if permit is not None:
                # uniform in the logarithm: many short calls, and some longer than a state
                end = now + SHORTEST * (LONGEST / SHORTEST) ** rng.random()
                answers = rng.random() >= NEVER
                ended = is_up(end, down) if answers else None
                rules.note_call(f"caller-{caller}", now, end, ended)
                now = end
                if answers:
                    heappush(events, (now, caller, answer.value, permit))
                    continue
        heappush(events, (now + rng.expovariate(1 / PAUSE), caller, None, None))
    return None


def outages(rng: random.Random) -> list[tuple[float, float]]:
    """Draw the outages of the service, each from and to (s)."""
    found, time = [], 0.0
    while time < UNTIL:
        start = time + rng.uniform(30, 120)
        time = start + rng.uniform(2, 60)
        found.append((start, time))
    return found


def is_up(time: float, down: list[tuple[float, float]]) -> bool:
    """Return True if the service is up at this time (s)."""
    return not any(start <= time < end for start, end in down)


def _mistake(day: Day, dispute: Dispute) -> Mistake:
    """Return the mistake of the gate in this dispute, with the state that the rules were in."""
    answer, granted = dispute.answer, dispute.granted
    if granted is None:
        return Mistake(
            f"{dispute.call}: {answer}", "what it returns is ignored, and it need not raise"
        )
    if answer.error is not None:
        said = f"{dispute.call}: expected a permit or None, {answer}"
        hint = "any object is a permit"
    elif granted:
        said, hint = _refused(day.rules, dispute)
    else:
        said, hint = _let_in(day.rules, dispute)
    return Mistake(said, hint, partial(replay, day, dispute.now, said))


def _scene(rules: Rules, dispute: Dispute, done: str) -> str:
    state = (
        f"it is {STATE_TEXTS[rules.state]} since {rules.since:.1f} s"
        if rules.generation
        else "it has always been closed"
    )
    return f"Gate({rules.n}): caller-{dispute.caller} was {done}, but {state}"


def _old(rules: Rules) -> str:
    return f"; {rules.old}, of a call that began before" if rules.old else ""


def _refused(rules: Rules, dispute: Dispute) -> tuple[str, str]:
    """The mistake of a gate that refused this caller, and its hint."""
    scene = _scene(rules, dispute, f"refused at {dispute.now:.1f} s: acquire returned None")
    # the rules have counted this caller already, so it is left out
    probes = f", and {rules.let_in - 1} of {rules.n} probes are in"
    said = scene + probes * (rules.state == HALF_OPEN) + _old(rules)
    if rules.old:
        return said, "an old answer changes nothing: write into the permit to what it belongs"
    if rules.state == HALF_OPEN:
        return said, (
            "each time it opens the count of probes begins anew, and a lost probe fails after 60 s"
        )
    return said, (
        "when all its probes have succeeded it is closed"
        if rules.generation
        else "closed, everybody gets a permit"
    )


def _let_in(rules: Rules, dispute: Dispute) -> tuple[str, str]:
    """The mistake of a gate that let this caller in, and its hint."""
    scene = _scene(rules, dispute, f"let in at {dispute.now:.1f} s")
    if rules.state == OPEN:
        return scene + _old(rules), (
            "for 10 s nobody gets a permit, then n do"
            + "; an old answer changes nothing" * bool(rules.old)
        )
    return f"{scene}, and {rules.let_in} of {rules.n} probes are in{_old(rules)}", (
        "an old answer is no probe's" if rules.old else "count who is let in while it is half-open"
    )


def replay(day: Day, now: float, said: str) -> Run:
    """Return the run of the calls until `now` (s), with the states that the rules went through."""
    records = [
        record for record in day.rules.records if record.event == "probed" or record.time <= now
    ]
    return run_of_tries(
        None,
        [call for call in day.rules.calls if call.sent <= now],
        now + 1.0,
        queue="calls",
        extra=records,
        verdict=f"{said}.",
        charts=("load", "breaker"),
        context=Context(tuple(day.down), guarded=True),
    )
