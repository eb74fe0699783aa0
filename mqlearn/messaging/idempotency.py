"""A handler that does its work once for each business key, however often the message is
delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from mqlearn.messaging.message import Message, Release, read_outcome, why_no_truth
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.handed_in import PASSES, ask

SPARE_CLAIMS = 1000  # claims beyond the valid ones before invalid ones are searched and dropped
# seconds that a claim holds on a queue that cannot tell if a delivery is current
CLAIM_TIME = 30.0


@dataclass(frozen=True)
class Claim:
    """The right of one `delivery` to do the work for a key. It ends with the delivery's lease or,
    on a queue that cannot tell if the delivery is current, at the time `until` (s).
    """

    delivery: Message
    until: float


class IdempotentHandler:
    """Calls `handler(message)` once for each `key(message)`, and answers duplicates without calling
    it.

    The first delivery claims the key. A duplicate that comes while the claim is valid is released
    for `delay` seconds: if it were acked and the first worker then crashed, the work would be lost.
    A duplicate that comes later gets the stored result, so it is acked. A claim ends when the
    handler fails, or with the lease of the delivery that made it, and the next delivery does the
    work. A result that is neither true nor false, such as a DataFrame, is a failure of its message.
    But the work was done, so this failure is stored: the retries get it, and repeat no work.

    Results are stored for `window` seconds, which should be longer than `retry_horizon` and the
    producer's own retries; by default (None) until the `ttl` of every message with this key is
    over, plus one lease: after that no such message is delivered again, unless it is redriven. The
    key names what must happen once, such as an order's number. A message id or a receipt is not
    enough, since the order may be sent again in another message.

    Two cases remain: a worker that crashes after the effect and before the result is stored, and a
    worker that continues after its lease was lost. For these, the called service itself must
    recognise the key.
    """

    def __init__(
        self,
        handler: Handler,
        queue: MessageQueue,
        *,
        key: Callable[[Message], str],
        window: float | None = None,
        delay: float = 1.0,
    ) -> None:
        check.function("handler", handler)
        check.instance("queue", queue, MessageQueue)
        check.function("key", key)
        self.handler, self.queue, self.key = handler, queue, key
        self.window = check.number("window", window, above=0, optional=True)
        self.delay = check.number("delay", delay, above=0)
        self.counts = {"worked": 0, "answered": 0, "put_off": 0}
        self._runtime = queue.runtime
        self._lock = self._runtime.lock()
        self._claims: dict[str, Claim] = {}
        self._claims_limit = SPARE_CLAIMS
        self._results: dict[
            str, tuple[float, object]
        ] = {}  # by key: stored until (s), and the result
        self._expiries: list[tuple[float, str]] = []  # a heap of when (s) to drop which key

    def __call__(self, message: Message) -> object:
        """Handle a message for a processor: return the handler's result, new or stored. Raises
        Release while another delivery has a valid claim.
        """
        check.instance("message", message, Message)
        # a copy, since the handler and `key` may change their message, and `is_current` needs the
        # receipt
        delivery = message.copy()
        key = self.key(message)
        check.instance("key", key, str)
        # the look-up and the claim under one lock: otherwise two duplicates could both find no
        # claim
        with self._lock:
            self._drop_old_results()
            if key in self._results:
                self.counts["answered"] += 1
                return self._store(key, delivery, None)
            claim = self._claims.get(key)
            if claim is not None and self._holds(claim):
                self.counts["put_off"] += 1
                raise Release(self.delay)
            self._drop_void_claims()
            self._claims[key] = mine = Claim(delivery, self._runtime.now + CLAIM_TIME)
        # outside the lock: handlers of different keys run at the same time
        return self._work(key, message, mine)

    def _work(self, key: str, message: Message, mine: Claim) -> object:
        try:
            result = self.handler(message)
        except PASSES:
            raise  # a crash or an interrupt: the claim ends with the lease
        except BaseException:
            self._end_claim(key, mine)
            raise
        outcome = read_outcome(result)
        if outcome.kind != "completed":
            if isinstance(result, BaseException) or why_no_truth(result) is None:
                # a failure by the rule of all handlers: the next delivery must do the work
                self._end_claim(key, mine)
                return result
            # the work was done, but its result cannot be read: what is stored is this failure
            result = outcome
        if not self._crashed():
            with self._lock:  # the work is done, even if the lease was lost meanwhile
                self.counts["worked"] += 1
                self._store(key, mine.delivery, result)
                self._claims.pop(key, None)
        return result

    def _end_claim(self, key: str, mine: Claim) -> None:
        """End a claim after a failure. A crashed worker cannot: its claim ends with the lease."""
        with self._lock:
            # after a lost lease the key may have the claim of another delivery, which must not be
            # removed
            if not self._crashed() and self._claims.get(key) is mine:
                del self._claims[key]

    def _crashed(self) -> bool:
        """True if this worker has crashed, also if the handler caught the exception."""
        task = self._runtime.current_task()
        return task is not None and task.crashed

    def _holds(self, claim: Claim) -> bool:
        # None: the queue does not know its leases, or fails, so the claim's own time decides
        current = ask(self._runtime, lambda: self.queue.is_current(claim.delivery), lambda: None)
        return self._runtime.now < claim.until if current is None else current

    def _store(self, key: str, message: Message, result: object) -> object:
        """Store the first result for this key, for the window or as long as this message may be
        delivered again; return that first result.
        """
        before, first = self._results.get(key, (0.0, result))
        if self.window is None:
            lease = self.queue.visibility_timeout or 0.0
            until = (
                (self._runtime.now if message.timestamp is None else message.timestamp)
                + message.ttl
                + lease
            )
        else:
            # a fixed window begins with the first result; duplicates do not make it longer
            until = before or self._runtime.now + self.window
        if until > before:
            self._results[key] = (until, first)
            heappush(self._expiries, (until, key))
        return first

    def _drop_void_claims(self) -> None:
        """Now and then drop the invalid claims: those of crashed workers whose messages were never
        delivered again would fill the memory.
        """
        if len(self._claims) > self._claims_limit:
            self._claims = {key: claim for key, claim in self._claims.items() if self._holds(claim)}
            self._claims_limit = 2 * len(self._claims) + SPARE_CLAIMS

    def _drop_old_results(self) -> None:
        while self._expiries and self._expiries[0][0] < self._runtime.now:
            until, key = heappop(self._expiries)
            # a later message with this key may have given the result a later end
            if key in self._results and self._results[key][0] == until:
                del self._results[key]

    def __len__(self) -> int:
        """Return the number of stored results."""
        with self._lock:
            self._drop_old_results()
            return len(self._results)


def retry_horizon(
    lease: float, max_retries: int = 3, *, retry: RetryPolicy | None = None, wait: float = 0.0
) -> float:
    """Return the longest time (s) from the first delivery of a message to the end of its last.

    Each of `max_retries` + 1 deliveries may use its whole `lease` (s); before each retry the
    message is delayed by the policy's longest backoff and then waits up to `wait` seconds for a
    worker.
    """
    lease = check.number("lease", lease, low=0)
    max_retries = check.whole("max_retries", max_retries)
    check.instance("retry", retry, RetryPolicy, optional=True)
    wait = check.number("wait", wait, low=0)
    backoffs = (
        sum(
            check.number("retry.delay(…)", retry.delay(n, 1.0), low=0)
            for n in range(1, max_retries + 1)
        )
        if retry is not None
        else 0.0
    )
    return (max_retries + 1) * lease + max_retries * wait + backoffs
