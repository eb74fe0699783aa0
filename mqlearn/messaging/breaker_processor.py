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

TAKE_TIMEOUT = 1.0  # seconds that process_with_circuit_breaker waits for a message


class CircuitBreakerMessageProcessor(MessageProcessor):
    """A `MessageProcessor` behind a `CircuitBreaker`: while that is open no message is taken and no
    retry is spent.

    Each worker asks for a permit before it takes a message, so the backlog waits in the queue. When
    half-open, as many messages are taken as probes are allowed. A failure (an exception or a false
    result) counts for the breaker and costs its message a retry, even if it was a probe. `Reject`,
    `Release` and a type without a handler say nothing about the service: they do not count for the
    breaker.

    The breaker opens after `failure_threshold` failures in a row, for `timeout` seconds. Given a
    `breaker`, the processor uses that one instead, and several processors may share it. If a worker
    receives a message at the same instant as the breaker opens (on threads), or as another
    processor takes the last place of a probe, it releases the message, and no retry is spent.
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
        failure_threshold = check.whole("failure_threshold", failure_threshold, low=1)
        timeout = check.number("timeout", timeout, low=0)
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
                "breaker must run on the runtime of the queue, got "
                f"{check.short_repr(breaker)} on another"
            )
        self.breaker = breaker
        self.failure_threshold, self.timeout = breaker.failure_threshold, breaker.cooldown
        self._changed = self._runtime.condition()
        breaker._pools.add(self._wake_workers)

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
        """The time of the last failure, in seconds; 0 before the first."""
        return self.breaker.last_failure_time

    def process_with_circuit_breaker(self, processor: Handler) -> bool:
        """Wait up to a second for one message, and handle it; True if it succeeded and was acked.

        False at once, without taking a message, while the breaker admits no call. False also if no
        message came (a probe's permit is then given back), or if the message failed. Raises
        WorkerCrash, with nothing settled, if the handler crashed.
        """
        check.function("processor", processor)
        # before a message is taken: if the breaker refuses, the message stays in the queue and
        # loses nothing
        permit = self.breaker._acquire(False, self)
        if permit is None:
            return False
        deadline = self._runtime.now + TAKE_TIMEOUT
        with self._woken_at(deadline):
            message = self._take(permit, lambda: self._runtime.now >= deadline)
        if message is None:
            return False
        outcome = self._call_service(message, lambda m: self._answer(processor, m), permit)
        if outcome is None:
            raise WorkerCrash("the handler crashed")
        return self._report_result(message, outcome, permit) and outcome.kind == "completed"

    def _work(self) -> None:
        # The permit comes first. The other way round, an open breaker would hold a message in
        # flight until its lease ends.
        while (permit := self._wait_for_permit()) is not None:
            message = self._take(permit, self._pool.told_to_stop)
            if message is None:
                continue
            outcome = self._call_service(message, self._handle, permit)
            # a crashed worker reports nothing: its probe's place stays taken until `probe_timeout`
            if outcome is None:
                return
            self._report_result(message, outcome, permit)

    def _wait_for_permit(self) -> Permit | None:
        """Wait for a permit; None once the pool stops."""
        with self._changed:
            while not self._pool.told_to_stop():
                # under the lock of the condition: a change of state between this question and the
                # wait would be missed, and the worker would sleep through it
                permit = self.breaker._acquire(False, self)
                if permit is not None:
                    return permit
                self._changed.wait()
        return None

    def _take(self, permit: Permit, cancelled: Callable[[], bool]) -> Message | None:
        """Wait for a message as long as the permit is current, and return it. If none was taken,
        cancel the permit and return None.
        """
        message, begun = None, False
        try:
            message = self.queue.take(lambda: cancelled() or not permit.current)
            begun = message is not None and permit.begin()
            return message if begun else None
        finally:
            # at every way out, also an interrupt, or a half-open breaker would wait for this probe
            # forever
            if not begun:
                try:
                    # the breaker changed its state after the message was taken, or the place went
                    # to another processor: give the message back, unspent
                    if message is not None:
                        self._tell_queue(self.queue.release, message)
                finally:
                    permit.cancel()

    def _call_service(
        self, message: Message, handle: Callable[[Message], Outcome], permit: Permit
    ) -> Outcome | None:
        """Try a message. If the try is interrupted, cancel the permit, since that says nothing
        about the service.
        """
        try:
            return self._attempt(message, handle)
        except BaseException:
            permit.cancel()
            raise

    def _report_result(self, message: Message, outcome: Outcome, permit: Permit) -> bool:
        """Report the result to the breaker and then to the queue."""
        # in this order, since a nacked message may return at once: the breaker must have counted it
        try:
            permit.report(outcome)
        finally:
            settled = self._settle(message, outcome)
        return settled

    def _wake_workers(self) -> None:
        """Wake the workers that wait for a permit here or for a message in the queue."""
        with self._changed:
            self._changed.notify_all()
        self.queue.wake()
