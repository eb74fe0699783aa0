"""Workers that stop taking messages while the service behind their handler is down."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.breaker import CircuitBreaker
from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.permit import Permit
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import WorkerCrash

PATIENCE = 1.0  # seconds for which process_with_circuit_breaker waits for a message


class CircuitBreakerMessageProcessor(MessageProcessor):
    """A `MessageProcessor` behind a `CircuitBreaker`: while that is open no message is taken and no
    retry is spent.

    Each worker asks for a permit before it takes a message, so that the backlog waits in the queue.
    When half-open, as many messages are taken as probes are allowed. A failure, by exception or
    false result, counts against the service, and is charged to its message, a probe's too.
    `Reject`, `Release` and a type without a handler say nothing of the service: they open no
    breaker.

    The breaker opens after `failure_threshold` failures in a row, for `timeout` seconds; a
    `breaker` given comes instead of both, and several processors may share it. On threads a worker
    may be handed a message in the instant in which the breaker opens: it is given back unspent.
    """

    def __init__(
        self,
        queue: MessageQueue,
        failure_threshold: int = 5,
        timeout: float = 30,
        *,
        breaker: CircuitBreaker | None = None,
        restart_after: float = 1.0,
    ) -> None:
        check.whole("failure_threshold", failure_threshold, low=1)
        check.number("timeout", timeout, low=0)
        check.instance("breaker", breaker, CircuitBreaker, optional=True)
        super().__init__(queue, restart_after=restart_after)
        if breaker is None:
            breaker = CircuitBreaker(
                failure_threshold,
                timeout,
                runtime=queue.runtime,
                trace=queue.trace,
                name=f"{queue.name} breaker",
            )
        elif breaker.runtime is not queue.runtime:
            raise ValueError(
                f"breaker must run on the runtime of the queue, got {breaker!r} on another"
            )
        self.breaker = breaker
        self.failure_threshold, self.timeout = breaker.failure_threshold, breaker.cooldown
        self._changed = self._runtime.condition()
        breaker.listen(self._look_again)

    @property
    def state(self) -> str:
        """The breaker's state: "CLOSED", "OPEN" or "HALF_OPEN"."""
        return self.breaker.state

    @property
    def failure_count(self) -> int:
        """The breaker's failures in a row."""
        return self.breaker.failure_count

    @property
    def last_failure_time(self) -> float:
        """When the last failure was, in seconds; 0 before the first."""
        return self.breaker.last_failure_time

    def process_with_circuit_breaker(self, processor: Handler) -> bool:
        """Take one message, within a second, and handle it; True if it succeeded and was acked.

        False at once, without taking anything, while the breaker admits no call. False also if no
        message came (a probe's permit is then given back), or if it failed. A crash of the handler
        comes out as `WorkerCrash`, nothing settled.
        """
        check.function("processor", processor)
        permit = self.breaker.acquire(begin=False)
        if permit is None:
            return False
        deadline = self._runtime.now + PATIENCE
        with self._woken_at(deadline):
            message = self._take(permit, lambda: self._runtime.now >= deadline)
        if message is None:
            return False
        outcome = self._attempt(message, lambda message: self._answer(processor, message))
        if outcome is None:
            raise WorkerCrash("the handler crashed")
        return self._conclude(message, outcome, permit) and outcome.kind == "completed"

    def stop_workers(self) -> None:
        """Let every worker finish what it is at; wait for them."""
        self._pool.stop(self._look_again)

    def _work(self) -> None:
        pool = self._pool
        while (permit := self._permitted()) is not None:
            message = self._take(permit, lambda: pool.stopping)
            if message is None:
                continue
            outcome = self._attempt(message, self._handle)
            # the dead answer nobody: a probe's permit is lost until its `probe_timeout`
            if outcome is None:
                return
            self._conclude(message, outcome, permit)

    def _permitted(self) -> Permit | None:
        """Wait for a permit; None once the pool stops."""
        with self._changed:
            while not self._pool.stopping:
                permit = self.breaker.acquire(begin=False)
                if permit is not None:
                    return permit
                self._changed.wait()
        return None

    def _take(self, permit: Permit, cancelled: Callable[[], bool]) -> Message | None:
        """A message for which the permit is good; without one the permit is given back."""
        message = self.queue.take(lambda: cancelled() or not permit.current)
        if message is None:
            permit.cancel()
        elif not permit.begin():
            self.queue.release(message)
            return None
        return message

    def _conclude(self, message: Message, outcome: Outcome, permit: Permit) -> bool:
        """Tell the breaker, then the queue: what is nacked comes back to a breaker that knows."""
        if outcome.kind == "completed":
            permit.success()
        elif outcome.kind == "failed":
            permit.failure(outcome.reason)
        else:
            permit.cancel()
        return self._settle(message, outcome)

    def _look_again(self) -> None:
        """What workers wait for may have come, or ended: a permit here, a message in the queue."""
        with self._changed:
            self._changed.notify_all()
        self.queue.wake()
