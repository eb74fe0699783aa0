"""What a circuit breaker hands out: the right to one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqlearn.runtime import check

if TYPE_CHECKING:
    from mqlearn.messaging.breaker import CircuitBreaker


class Permit:
    """The right to make one call, and where to say how it went. Only the first answer counts.

    It belongs to a `generation` of its breaker, which ends with each change of state: an answer
    that comes later is not counted, so the result of a call that began before the breaker opened is
    never taken for a probe's. `began` (s) is when the call began, `probe` whether the breaker was
    half-open.
    """

    __slots__ = ("_breaker", "answered", "began", "generation", "probe")

    def __init__(self, breaker: CircuitBreaker, generation: int, probe: bool, began: float) -> None:
        self._breaker, self.generation, self.probe, self.began = breaker, generation, probe, began
        self.answered = False

    @property
    def current(self) -> bool:
        """Whether an answer would still count."""
        return not self.answered and self.generation == self._breaker.generation

    def begin(self) -> bool:
        """The call begins now, if later than `acquire`; False if the permit is not current any
        more.
        """
        return self._breaker._begin(self)

    def success(self) -> bool:
        """The call succeeded; False if that does not count any more."""
        return self._breaker._answer(self, None)

    def failure(self, reason: str = "failure") -> bool:
        """The call failed, because of `reason`; False if that does not count any more."""
        check.instance("reason", reason, str)
        return self._breaker._answer(self, reason)

    def cancel(self) -> bool:
        """There was no call, or one that says nothing of the service; a probe's place is free
        again.
        """
        return self._breaker._cancel(self)
