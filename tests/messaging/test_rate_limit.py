"""A token bucket admits at most burst + rate · t in any window, and no less; a limiter has one for
each tenant and forgets the full ones.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from mqlearn import RateLimiter, Simulation, ThreadRuntime, TokenBucket


def allowed(bucket: TokenBucket, times: list[float]) -> list[float]:
    """The times at which it allows a message."""
    return [time for time in times if bucket.allow(time)]


def test_a_burst_at_once_then_the_rate() -> None:
    """Two per second and a burst of three: three at 0, then one every half second."""
    times = [0.0] * 5 + [0.4, 0.5, 0.6, 1.0, 1.1]
    assert allowed(TokenBucket(2, 3), times) == [0, 0, 0, 0.5, 1.0]


def test_savings_end_at_the_burst_and_a_refusal_costs_nothing() -> None:
    """After an hour of silence there are three tokens, not 7,200; refused ones are not owed."""
    times = [0.0] * 9 + [3600.0] * 9 + [3600.5]
    assert allowed(TokenBucket(2, 3), times) == [0] * 3 + [3600] * 3 + [3600.5]


def test_parts_of_a_token_are_kept_between_calls() -> None:
    """Asked ten times a second, a bucket of one per second still fills."""
    times = [number / 10 for number in range(31)]
    assert allowed(TokenBucket(1, 1), times) == [0, 1, 2, 3]


def test_a_sender_that_keeps_to_the_rate_is_never_refused() -> None:
    """Ten thousand messages at exactly 3 and 10 per second, whose gaps are no round floats."""
    for rate in (3, 10):
        times = [1e9 + number / rate for number in range(10_000)]
        assert allowed(TokenBucket(rate, 1), times) == times


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """And takes nothing."""
    assert allowed(TokenBucket(1, 2), [10.0, 5.0, 10.5, 11.0]) == [10, 5, 11]


def most_above(times: list[float], rate: float) -> float:
    """The largest number of messages above `rate` · t in any window."""
    lowest, most = math.inf, 0.0
    for number, time in enumerate(times):
        lowest = min(lowest, number - rate * time)
        most = max(most, number + 1 - rate * time - lowest)
    return most


@pytest.mark.parametrize("seed", range(20))
def test_no_window_has_more_than_burst_plus_rate_times_its_length(seed: int) -> None:
    """And a greedy sender gets all that it may have."""
    dice = Random(seed)
    rate, burst = dice.choice((0.5, 1.0, 5.0)), dice.choice((1, 3, 10))
    times, now = [], 0.0
    while now < 300:
        now += dice.expovariate(10 * rate) if dice.random() < 0.99 else 2 * burst / rate
        times.append(now)
    admitted = allowed(TokenBucket(rate, burst), times)
    assert burst - 1 < most_above(admitted, rate) <= burst + 1e-5
    # the same by the definition: a sender may take what its bucket holds
    tokens, last, owed = float(burst), 0.0, 0
    for time in times:
        tokens, last = min(burst, tokens + rate * (time - last)), time
        if tokens >= 1 - 1e-6:
            tokens, owed = tokens - 1, owed + 1
    assert len(admitted) == owed


def test_each_tenant_has_its_own_limit(sim: Simulation) -> None:
    """A noisy one is refused, and a quiet one is not."""
    limiter = RateLimiter(1, 10, runtime=sim)
    assert sum(limiter.allow("noisy") for _ in range(100)) == 10
    assert limiter.allow("quiet")
    sim.run(until=5)
    assert sum(limiter.allow("noisy") for _ in range(100)) == 5


def test_a_tenant_with_a_full_bucket_is_forgotten(sim: Simulation) -> None:
    """Visitors come once, one a second; those of the last ten seconds are remembered, and a greedy
    one that comes all the time is never forgotten, or it would get a new burst.
    """
    limiter, greedy = RateLimiter(1, 10, runtime=sim), 0
    for second in range(400):
        sim.run(until=second)
        assert limiter.allow(f"visitor {second}")
        greedy += sum(limiter.allow("greedy") for _ in range(5))
        assert len(limiter) <= 11
    assert greedy == 10 + 399


def test_on_threads_no_token_is_taken_twice() -> None:
    """Eight threads ask at the same time; the rate adds less than one token meanwhile."""
    runtime = ThreadRuntime()
    limiter, got = RateLimiter(1e-6, 1000, runtime=runtime), list[int]()

    def ask() -> None:
        got.append(sum(limiter.allow("a") for _ in range(500)))

    tasks = [runtime.spawn(ask) for _ in range(8)]
    for task in tasks:
        task.join(10)
    assert len(got) == 8 and sum(got) == 1000


@pytest.mark.parametrize("make", [TokenBucket, RateLimiter])
@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ((0, 1), ValueError, "rate must be positive, got 0"),
        ((math.inf, 1), ValueError, "rate must be finite, got inf"),
        ((1, 0), ValueError, "burst must be at least 1, got 0"),
        ((1, 1.5), TypeError, "burst must be a whole number, got 1.5"),
    ],
)
def test_an_impossible_limit_is_refused(
    make: Any, given: tuple[float, float], error: type[Exception], said: str
) -> None:
    """When it is made; and so is a tenant without a name, or a time that is none."""
    with pytest.raises(error, match=f"^{said}$"):
        make(*given)
    with pytest.raises(TypeError, match="tenant must be str, got 5"):
        RateLimiter(1, 1).allow(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="now must be a number, got None"):
        TokenBucket(1, 1).allow(None)  # type: ignore[arg-type]
