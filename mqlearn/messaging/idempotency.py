"""A handler that does its work once for each business key, however often it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from mqlearn.messaging.message import Message, Release
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check

MANY = 1000  # claims that are kept before void ones are looked for
# seconds for which a claim holds on a queue that cannot say whether a delivery is current
CLAIM = 30.0


@dataclass(frozen=True)
class Claim:
    """Somebody is at it: which delivery, and until when (s) at the most where no queue can be
    asked.
    """

    delivery: Message
    until: float


class IdempotentHandler:
    """Calls `handler(message)` once for each `key(message)`, and answers duplicates itself.

    Whoever comes first claims the key. A duplicate that comes while that claim holds is released,
    for `delay` seconds: acking it would lose the work if the first dies at it. One that comes after
    is answered with the stored result, so it is acked. A claim ends when the handler fails, and
    with the lease of the delivery that made it: the next delivery then works. Results are kept for
    `window` seconds, which should outlast `retry_horizon` and the producer's own retries; by
    default (None) until the `ttl` of every message that asked is over, and a lease more: after that
    it is not handed out again, unless redriven. The key says what must happen once, an order's
    number; a message id or a receipt does not, since the order may be sent again under another.

    What nothing here can help: a worker that dies after the effect and before the result is stored,
    or that goes on after its lease was lost. There the service itself must take the key.
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
        check.number("window", window, above=0, optional=True)
        check.number("delay", delay, above=0)
        self.handler, self.queue, self.key, self.window, self.delay = (
            handler,
            queue,
            key,
            window,
            delay,
        )
        self.counts = {"worked": 0, "answered": 0, "put_off": 0}
        self._runtime = queue.runtime
        self._lock = self._runtime.lock()
        self._claims: dict[str, Claim] = {}
        self._many = MANY
        self._results: dict[str, tuple[float, object]] = {}  # key: until when (s), the result
        self._ends: list[tuple[float, str]] = []  # when to look whether a result may go

    def __call__(self, message: Message) -> object:
        """What a processor calls: the handler's result, now or from before. Raises Release while
        another is at it.
        """
        key = self.key(message)
        check.instance("key", key, str)
        with self._lock:
            self._forget()
            if key in self._results:
                self.counts["answered"] += 1
                return self._keep(key, message, None)
            claim = self._claims.get(key)
            if claim is not None and self._holds(claim):
                self.counts["put_off"] += 1
                raise Release(self.delay)
            self._tidy()
            self._claims[key] = mine = Claim(message.copy(), self._runtime.now + CLAIM)
        return self._work(key, message, mine)

    def _work(self, key: str, message: Message, mine: Claim) -> object:
        try:
            result = self.handler(message)
        except Exception:
            self._end(key, mine)
            raise
        if result is not None and not result:
            self._end(key, mine)
            return result
        if not self._dead():
            with self._lock:  # it is done, also if the lease was lost meanwhile
                self.counts["worked"] += 1
                self._keep(key, message, result)
                self._claims.pop(key, None)
        return result

    def _end(self, key: str, mine: Claim) -> None:
        """Nothing was done. The dead do not tidy up: their claim ends with the lease."""
        with self._lock:
            if not self._dead() and self._claims.get(key) is mine:
                del self._claims[key]

    def _dead(self) -> bool:
        """Whether this worker has crashed, whatever its handler made of that."""
        task = self._runtime.current_task()
        return task is not None and task.crashed

    def _holds(self, claim: Claim) -> bool:
        current = self.queue.is_current(claim.delivery)
        return self._runtime.now < claim.until if current is None else current

    def _keep(self, key: str, message: Message, result: object) -> object:
        """Remember the first result for this key for as long as this message may come again, or for
        the window.
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
            until = before or self._runtime.now + self.window
        if until > before:
            self._results[key] = (until, first)
            heappush(self._ends, (until, key))
        return first

    def _tidy(self) -> None:
        """Forget, now and then, the claims of the dead whose messages never came again: memory
        follows who is alive.
        """
        if len(self._claims) > self._many:
            self._claims = {key: claim for key, claim in self._claims.items() if self._holds(claim)}
            self._many = 2 * len(self._claims) + MANY

    def _forget(self) -> None:
        while self._ends and self._ends[0][0] < self._runtime.now:
            until, key = heappop(self._ends)
            # and not kept for longer since
            if key in self._results and self._results[key][0] == until:
                del self._results[key]

    def __len__(self) -> int:
        """How many results are kept."""
        with self._lock:
            self._forget()
            return len(self._results)


def retry_horizon(
    lease: float, max_retries: int = 3, *, retry: RetryPolicy | None = None, wait: float = 0.0
) -> float:
    """The longest time (s) from the first delivery of a message to the end of its last.

    Each of `max_retries` + 1 deliveries may use up its whole `lease` (s); before each retry it
    stays away for the policy's longest backoff and then waits up to `wait` seconds for a worker.
    """
    check.number("lease", lease, low=0)
    check.whole("max_retries", max_retries)
    check.instance("retry", retry, RetryPolicy, optional=True)
    check.number("wait", wait, low=0)
    backoffs = (
        sum(retry.delay(n, 1.0) for n in range(1, max_retries + 1)) if retry is not None else 0.0
    )
    return (max_retries + 1) * lease + max_retries * wait + backoffs
