"""A service with a limited capacity, and a budget that limits the retries sent to it.

    service = Service(20.0, timeout=2.0)   twenty calls per second; a caller gives up after two
    service.call(now)                      seconds until the caller knows, and whether it answered
    budget = RetryBudget(0.1)              allows one retry per ten first tries

`Budgeted` puts such a budget between a queue and its workers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.study.faults import Faults, Link

SAVED = 10.0  # retries that a budget can save, at most
WAITS = 30.0  # seconds, on average, until a retry that was refused asks again


@dataclass
class Service:
    """A service that answers one call after the other, `capacity` per second; a caller waits
    `timeout` seconds for its answer.

    The service does not notice that a caller has given up: it still does the late work, which
    delays the calls after it. During `stall`, a pair (from, to) in seconds, it accepts calls and
    answers none.
    """

    capacity: float
    timeout: float = 2.0
    stall: tuple[float, float] | None = None
    free_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        check.number("capacity", self.capacity, above=0)
        check.number("timeout", self.timeout, above=0)
        if self.stall is not None:
            check.number("stall", self.stall[0])
            check.number("stall", self.stall[1], low=self.stall[0])

    def call(self, now: float) -> tuple[float, bool]:
        """Make a call at `now` (s). Return the seconds that its caller waits, and True if it has an
        answer by then.
        """
        done = max(now, self.free_at) + 1 / self.capacity
        # A call that would end in the stall, or comes during it, is answered after it.
        if self.stall is not None and done > self.stall[0] and now < self.stall[1]:
            done = max(done, self.stall[1] + 1 / self.capacity)
        self.free_at = done
        return min(done - now, self.timeout), done - now <= self.timeout


@dataclass
class RetryBudget:
    """Retries as a share of first tries: each first try earns `share` of a retry, each retry spends
    one.

    At most ten retries are saved, so that a calm hour does not allow thousands of them at once.

    Sources: Finagle, "Retry Budgets", 2016; Google, "Site Reliability Engineering", chapter 21,
    2016.
    """

    share: float
    saved: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        check.number("share", self.share, low=0, high=1)

    def earn(self) -> None:
        """Count a first try."""
        self.saved = min(SAVED, self.saved + self.share)

    def spend(self) -> bool:
        """Spend one retry, and return True, if the budget has one; else return False."""
        affordable = self.saved >= 1 - 1e-9  # in floats, ten times 0.1 adds up to less than 1
        self.saved -= affordable
        return affordable


class Budgeted(Link):
    """A queue that hands out first tries always, and a retry only if the budget has one.

    With `wait`, a message whose retry is refused is released, which costs no retry, and asks
    again after 15 to 45 s. Without `wait` it is a dead letter at once, with the reason
    "retry budget spent".
    """

    def __init__(self, queue: MessageQueue, budget: RetryBudget, *, wait: bool = False) -> None:
        check.instance("budget", budget, RetryBudget)
        super().__init__(queue, Faults())
        self.budget, self.wait = budget, wait

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        while (message := super().take(cancelled)) is not None:
            if not message.retry_count:
                self.budget.earn()
                return message
            if self.budget.spend():
                return message
            self.settle(message, self._refusal(message))
        return None

    def _refusal(self, message: Message) -> Outcome:
        if not self.wait:
            return Outcome("rejected", "retry budget spent")
        # Spread over half to one and a half times the wait, so that they do not all come back
        # together. The attempt is in the key, or a message would draw the same wait each time.
        draw = self.runtime.draw("budget", message.id, message.attempt)
        return Outcome("released", delay=WAITS * (0.5 + draw))
