"""A permit: the permission of a circuit breaker to make one call."""

from __future__ import annotations

from typing import Protocol

from mqlearn.messaging.message import Outcome
from mqlearn.runtime import check


class Issuer(Protocol):
    """The part of a breaker that its permits use."""

    generation: int

    def _begin(self, permit: Permit) -> bool: ...

    def _answer(self, permit: Permit, failure: str | None) -> bool: ...

    def _cancel(self, permit: Permit) -> bool: ...


class Permit:
    """The permission to make one call, and the object that its result is reported to. Only the
    first answer counts.

    It belongs to a `generation` of its breaker, which ends with each change of state. An answer
    that comes after that is not counted, so the result of a call that began before the breaker
    opened is never mistaken for the result of a probe. `began` (s) is when the call began; `probe`
    is true if the breaker was half-open. A permit that is dropped before its call has begun gives
    its place back, as if it were cancelled; the next `acquire` finds that place.
    """

    __slots__ = (
        "__weakref__",
        "_breaker",
        "answered",
        "began",
        "begun",
        "generation",
        "probe",
        "reserved_by",
    )

    def __init__(
        self,
        breaker: Issuer,
        generation: int,
        probe: bool,
        began: float,
        reserved_by: object = None,
    ) -> None:
        self._breaker, self.generation, self.probe, self.began = breaker, generation, probe, began
        self.reserved_by = reserved_by  # the pool whose worker waits with it for a message
        self.begun = self.answered = False

    @property
    def current(self) -> bool:
        """True while an answer would count."""
        return not self.answered and self.generation == self._breaker.generation

    def begin(self) -> bool:
        """Let the call start now instead of at `acquire`; False if the permit is no longer current,
        or if calls of others have taken all places of the probes.
        """
        return self._breaker._begin(self)

    def success(self) -> bool:
        """Report that the call succeeded; False if that no longer counts."""
        return self._breaker._answer(self, None)

    def failure(self, reason: str = "failure") -> bool:
        """Report that the call failed, because of `reason`; False if that no longer counts."""
        check.instance("reason", reason, str)
        return self._breaker._answer(self, reason)

    def cancel(self) -> bool:
        """Report that no call was made, or that its result says nothing about the service. If it
        was a probe, another call may be the probe instead. False if that no longer counts.
        """
        return self._breaker._cancel(self)

    def report(self, outcome: Outcome) -> bool:
        """Report the outcome of the call: one that was rejected or released says nothing about the
        service, and is a cancel. False if that no longer counts.
        """
        check.instance("outcome", outcome, Outcome)
        if outcome.kind == "completed":
            return self.success()
        if outcome.kind == "failed":
            return self.failure(outcome.reason)
        return self.cancel()
