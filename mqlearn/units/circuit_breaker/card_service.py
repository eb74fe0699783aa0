"""The card service of unit 05. It is well, down or slow, depending on the time of the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mqlearn.messaging.message import Message
from mqlearn.runtime.base import Runtime
from mqlearn.study.faults import Failure, happens, one_try, strikes

REFUSAL = 0.5  # seconds until a call fails while the service is down
DOWN, SLOW = "down", "slow"

# A worker makes this call for an order. It raises `Failure` if the call fails.
Call = Callable[[Message], object]


@dataclass(frozen=True)
class CardService:
    """A service whose calls take `call_time` seconds on average, evenly spread from 0.5 to 1.5
    times that.

    `outages` are spans of time, from and to in seconds since `start`. During an outage the service
    is in `trouble`. DOWN: every call fails after half a second. SLOW: the share `slow_share` of the
    calls takes `slow_time` seconds on average. While the service is well or slow, a call fails with
    probability `failure_rate`.
    """

    runtime: Runtime
    start: float
    outages: tuple[tuple[float, float], ...]
    trouble: str
    call_time: float
    slow_time: float
    slow_share: float
    failure_rate: float

    def call(self, message: Message) -> None:
        """Charge the card for this message: spend the time of the call, then return, or raise
        Failure.
        """
        # The state at the start of a call decides, also if an outage begins or ends meanwhile.
        now, seconds = self.runtime.now - self.start, self.call_time
        troubled = any(begins <= now < ends for begins, ends in self.outages)
        if troubled and self.trouble == DOWN:
            self.runtime.sleep(REFUSAL)
            raise Failure("outage")
        if troubled and happens(self.runtime, self.slow_share, "slow", *one_try(message)):
            seconds = self.slow_time
        self.runtime.sleep(seconds * (0.5 + self.runtime.draw("call", *one_try(message))))
        if strikes(self.runtime, self.failure_rate, "fails", message):
            raise Failure("chance")
