"""Exercise 12.2: the check of the limiter tells right from wrong."""

import pytest

from mqlearn import RateLimiter, Simulation
from mqlearn.study.verdict import recall
from mqlearn.units.backpressure_and_scaling.limiter import EXERCISE, check_limiter, door_of


class Limiter:
    """The worked solution; the wrong ones change one thing each."""

    start_full, capped, whole, refusals_cost, forgets, shared = (
        True,
        True,
        False,
        False,
        True,
        False,
    )

    def __init__(self, rate, burst):
        self.rate, self.burst, self.seen = rate, burst, {}

    def tokens(self, tenant, now):
        tokens, since = self.seen.get(tenant, (self.burst if self.start_full else 0, now))
        gained = self.rate * (now - since)
        tokens += int(gained) if self.whole else gained
        return min(self.burst, tokens) if self.capped else tokens

    def allow(self, tenant, now):
        tenant = "" if self.shared else tenant
        if self.forgets and len(self.seen) > 50:
            self.seen = {
                name: pair
                for name, pair in self.seen.items()
                if self.tokens(name, now) < self.burst
            }
        tokens = self.tokens(tenant, now)
        allowed = tokens >= 1 - 1e-9
        self.seen[tenant] = (tokens - (1 if self.refusals_cost else allowed), now)
        return allowed

    def __len__(self):
        return len(self.seen)


class Window(Limiter):
    """A counter that starts again in each window."""

    def allow(self, tenant, now):
        window = int(now * self.rate / self.burst)
        last, count = self.seen.get(tenant, (window, 0))
        count = count if last == window else 0
        allowed = count < self.burst
        self.seen[tenant] = (window, count + allowed)
        return allowed


class Never(Limiter):
    def allow(self, tenant, now):
        return False


class Always(Limiter):
    def allow(self, tenant, now):
        return True


def changed(**fields):
    """The worked solution with one thing changed."""
    return type("Changed", (Limiter,), fields)


WRONG = {
    "one bucket for all": changed(shared=True),
    "savings without a limit": changed(capped=False),
    "whole tokens only": changed(whole=True),
    "empty at the start": changed(start_full=False),
    "a refusal costs a token": changed(refusals_cost=True),
    "forgets nobody": changed(forgets=False),
    "a counter for each window": Window,
    "never": Never,
    "always": Always,
}


def test_the_worked_solution_passes():
    """And the verdict says how many it remembered."""
    assert check_limiter(Limiter).text == (
        "passed: 100 seeds, 438,429 calls: no polite call was refused, the greedy tenant had its "
        "share and no more, at most 50 tenants were remembered"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught_in_so_many_seeds(name, caught):
    """As the solutions say; to forget a full bucket limits its savings, too."""
    assert check_limiter(WRONG[name]).text.startswith("not yet")
    assert caught(EXERCISE, WRONG[name]) == (41 if name == "savings without a limit" else 100)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("savings without a limit", "was allowed"),
        ("a refusal costs a token", "the greedy tenant was allowed 6 calls, and is entitled to"),
        ("always", "burst + rate·t allows"),
        ("forgets nobody", "tenants are remembered at the end, at most 100 may be"),
    ],
)
def test_the_verdict_says_what_is_wrong(name, said):
    """Each mistake in its own words."""
    assert said in check_limiter(WRONG[name]).text


def test_an_error_is_told_with_the_call():
    """And no more is asked in that seed."""

    class Broken(Limiter):
        def allow(self, tenant, now):
            if len(self.seen) == 3:
                raise KeyError(tenant)
            return super().allow(tenant, now)

    text = check_limiter(Broken).text
    assert "expected an answer at allow(" in text and "it raised KeyError" in text

    class NoLength:
        def __init__(self, rate, burst):
            self.inside = Limiter(rate, burst)
            self.allow = self.inside.allow

    assert "expected an answer of len(limiter), it raised TypeError" in check_limiter(NoLength).text
    assert "expected a limiter, it returned 3" in check_limiter(lambda rate, burst: 3).text


def test_a_replay_shows_the_last_calls_of_the_tenant():
    """The last row is the call that the verdict speaks of."""
    verdict = check_limiter(WRONG["a counter for each window"])
    table = recall()
    assert f", {table.index[-1]}) was refused" in verdict.text
    assert table["your answer"].iloc[-1] != table["a full bucket's answer"].iloc[-1]


def test_the_packages_limiter_is_right_on_the_same_calls():
    """It reads the time from its runtime."""
    door = door_of(0)
    with Simulation() as sim:
        limiter = RateLimiter(door.rate, door.burst, runtime=sim)
        for call in door.calls:
            sim.run(until=call.time)
            assert limiter.allow(call.tenant) == call.due
