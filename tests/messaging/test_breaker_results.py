"""The results of a breaker's own calls: any is handed on, and what has not run is no success."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mqlearn import CircuitBreaker, Outcome, Reject, Simulation
from tests.messaging.test_breaker import fail


@pytest.mark.parametrize("result", [0, False, "", [], None, object(), "frame"])
def test_any_result_is_handed_on_and_is_a_success(sim: Simulation, result: object) -> None:
    """A call returns what the function returned, also what is false or neither true nor false."""
    if result == "frame":
        result = pytest.importorskip("pandas").DataFrame({"price": [1, 2]})
    breaker = CircuitBreaker(2, runtime=sim)
    fail(breaker)
    assert breaker.call(lambda: result) is result
    assert breaker.failure_count == 0


@pytest.mark.parametrize(
    ("result", "failures"),
    [
        (Outcome(), 0),
        (Outcome("failed", "503"), 2),
        (ValueError("returned, not raised"), 2),
        (Outcome("rejected", "poison"), 1),
        (Reject("poison"), 1),
    ],
)
def test_an_outcome_or_exception_means_what_it_says(
    sim: Simulation, result: object, failures: int
) -> None:
    """As the result of a handler does; it is returned all the same."""
    breaker = CircuitBreaker(3, runtime=sim)
    fail(breaker)
    assert breaker.call(lambda: result) is result
    assert breaker.failure_count == failures


async def coroutine_function() -> None:
    """Does nothing when called."""


def generator_function() -> Iterator[int]:
    """Does nothing when called."""
    yield 1


def test_what_has_not_run_is_no_success(sim: Simulation) -> None:
    """A coroutine or generator function is refused before a permit is asked for; such a result is
    a failure.
    """
    breaker = CircuitBreaker(9, runtime=sim)
    for function in (coroutine_function, generator_function):
        with pytest.raises(TypeError, match="fn must be a plain function"):
            breaker.call(function)
    assert (breaker.failure_count, breaker.refused) == (0, 0)
    for function, kind in ((coroutine_function, "coroutine"), (generator_function, "generator")):
        with pytest.raises(TypeError, match=f"it returned a {kind}: nothing of it has run"):
            breaker.call(lambda function=function: function())
    assert breaker.failure_count == 2
