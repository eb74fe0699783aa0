"""How the tests ask a breaker."""

from __future__ import annotations

from mqlearn import CircuitBreaker, Permit


def ask(breaker: CircuitBreaker) -> Permit:
    """A permit, which must be there."""
    permit = breaker.acquire()
    assert permit is not None
    return permit
