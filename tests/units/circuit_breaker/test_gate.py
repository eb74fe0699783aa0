"""Exercise 05.2: whether the check of the gate can tell right from wrong, and replays what it
saw.
"""

import random

import pytest

from mqlearn.messaging.breaker import CircuitBreaker
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.verdict import recall
from mqlearn.units.circuit_breaker.gate import EXERCISE, check_gate
from mqlearn.units.circuit_breaker.gate_rules import Rules


class Gate:
    """The worked solution. A permit belongs to a generation, which ends with each change of
    state.
    """

    def __init__(self, n):
        self.n, self.state, self.generation = n, "closed", 0
        self.since, self.let_in, self.waiting = 0.0, 0, {}

    def turn(self, state, since):
        self.state, self.since, self.let_in, self.waiting = state, since, 0, {}
        self.generation += 1

    def pass_time(self, now):
        if self.state == "half-open" and self.waiting and now >= min(self.waiting.values()) + 60:
            self.turn("open", min(self.waiting.values()) + 60)
        if self.state == "open" and now >= self.since + 10:
            self.turn("half-open", self.since + 10)

    def acquire(self, now):
        self.pass_time(now)
        if self.state == "open" or (self.state == "half-open" and self.let_in == self.n):
            return None
        self.let_in += 1
        permit = (self.generation, self.let_in)
        self.waiting[permit] = now
        return permit

    def report(self, permit, ok, now):
        self.pass_time(now)
        if permit[0] != self.generation:
            return
        del self.waiting[permit]
        if not ok:
            self.turn("open", now)
        elif self.state == "half-open" and self.let_in == self.n and not self.waiting:
            self.turn("closed", now)


class NeverCountsAnew(Gate):
    """The probes of the first time are counted forever."""

    def turn(self, state, since):
        before = self.let_in if state == "half-open" or self.state == "half-open" else 0
        super().turn(state, since)
        self.let_in = before


class TakesOldAnswers(Gate):
    """Any answer while it is half-open counts as that of a probe."""

    def report(self, permit, ok, now):
        self.pass_time(now)
        if self.state == "half-open":
            permit = next(iter(self.waiting), None) if permit not in self.waiting else permit
            if permit is None:
                return self.turn("closed" if ok else "open", now)
        return super().report(permit, ok, now)


class AnyFailureOpens(Gate):
    """Old successes do not count, old failures do."""

    def report(self, permit, ok, now):
        self.pass_time(now)
        if ok:
            super().report(permit, ok, now)
        elif self.state != "open":
            self.turn("open", now)


class RestartsItsCooldown(Gate):
    """A late failure while it is open begins the ten seconds again."""

    def report(self, permit, ok, now):
        super().report(permit, ok, now)
        if not ok and self.state == "open":
            self.since = now


class LetsAllIn(Gate):
    """The herd."""

    def acquire(self, now):
        self.pass_time(now)
        if self.state == "half-open":
            self.let_in = min(self.let_in, self.n - 1)
        return super().acquire(now)


class WaitsForEver(Gate):
    """A probe that never answers holds it half-open."""

    def pass_time(self, now):
        if self.state == "open" and now >= self.since + 10:
            self.turn("half-open", self.since + 10)


class ClosesAtTheFirst(Gate):
    """One good probe is enough, whatever n is."""

    def report(self, permit, ok, now):
        super().report(permit, ok, now)
        if ok and self.state == "half-open" and permit[0] == self.generation:
            self.turn("closed", now)


class NeverLetsIn(Gate):
    """Safe, and useless."""

    def acquire(self, now):
        return None


WRONG = {
    NeverCountsAnew: 100,
    TakesOldAnswers: 100,
    AnyFailureOpens: 93,
    RestartsItsCooldown: 100,
    LetsAllIn: 100,
    WaitsForEver: 71,
    ClosesAtTheFirst: 63,
    NeverLetsIn: 100,
}


def test_the_worked_solution_passes():
    """And the verdict counts what has come: openings, old answers, lost probes."""
    assert check_gate(Gate).text == (
        "passed: 100 seeds, 1,402 openings, 154,573 times somebody wanted in: everybody was let in "
        "who may, and nobody "
        "else; 4,629 answers were old, 120 probes lost"
    )


@pytest.mark.parametrize("gate", WRONG)
def test_wrong_answers_are_caught(gate, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, gate) == WRONG[gate] >= 20
    assert not check_gate(gate)


def test_a_stub_and_an_error_are_told():
    """No permit for the very first caller; an exception from either method."""
    assert check_gate(NeverLetsIn).text == (
        "not yet: seed 0: Gate(2): caller-13 was refused at 0.2 s: acquire returned None, but it "
        "has always been "
        "closed. Hint: closed, everybody gets a permit"
    )

    class Raises(Gate):
        def report(self, permit, ok, now):
            raise KeyError(permit)

    assert "it raised KeyError: (0, " in check_gate(Raises).text


def test_a_wrong_caller_is_named_and_replayed():
    """The caller, the time, the state and since when; the replay shows the state and the calls."""
    verdict = check_gate(LetsAllIn)
    assert verdict.text == (
        "not yet: seed 0: Gate(2): caller-15 was let in at 56.0 s, but it is half-open since 55.4 "
        "s, and 2 of 2 probes "
        "are in. Hint: count who is let in while it is half-open"
    )
    run = recall(verdict.failing_seed)
    assert run.verdict.startswith("Gate(2): caller-15 was let in at 56.0 s")
    assert run.until == pytest.approx(57.0, abs=0.1)
    assert [record.event for record in run.trace.records if record.source == "breaker"] == [
        "opened",
        "half_opened",
    ]
    assert run.totals["sent"] == sum(record.event == "started" for record in run.trace.records) > 50


@pytest.mark.parametrize("seed", range(5))
def test_the_packages_breaker_keeps_the_same_rules(seed):
    """Asked at random by sixteen callers, it lets in whom the rules let in."""
    rng = random.Random(f"both {seed}")
    with Simulation() as sim:
        n = rng.randint(1, 3)
        rules = Rules(n)
        breaker = CircuitBreaker(1, 10.0, probes=n, probe_timeout=60.0, runtime=sim)
        answers = []

        def call():
            while sim.now < 400:
                sim.sleep(rng.uniform(0.1, 3))
                permit, mine = breaker.acquire(), rules.acquire(sim.now)
                answers.append((permit is not None, mine is not None))
                if permit is None or mine is None or rng.random() < 0.05:
                    continue
                sim.sleep(rng.uniform(0.1, 40))
                good = rng.random() < 0.9
                (permit.success if good else permit.failure)()
                rules.report(0, mine, good, sim.now)

        for _ in range(16):
            sim.spawn(call)
        sim.run()
    assert all(one == other for one, other in answers)
    assert len(set(answers)) == 2 and len(answers) > 1000
