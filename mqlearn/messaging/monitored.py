"""A pool of workers that measures its queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.message import Message, Outcome, Reject, Release
from mqlearn.messaging.metrics import MessageQueueMetrics
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Handler
from mqlearn.runtime.base import Task
from mqlearn.runtime.handed_in import PASSES


class MonitoredMessageProcessor(MessageProcessor):
    """A `MessageProcessor` whose `metrics` are those of its queue: a `MessageQueueMetrics` that
    listens to it.

    It adds two things that a queue cannot know: the handler's time, and the number of exceptions it
    raised or returned (`Reject`, `Release` and a crash are not counted as errors). The counts that
    other processors have in `metrics` are in `counts`. On a queue that is not observable it counts
    its own messages: no sends, and no dead letters except those that it rejected. Percentiles and
    throughput look back `window` seconds.
    """

    def __init__(
        self,
        queue: MessageQueue,
        *,
        prefetch: int = 1,
        restart_after: float = 1.0,
        window: float | None = 60.0,
    ) -> None:
        super().__init__(queue, prefetch=prefetch, restart_after=restart_after)
        self.metrics: MessageQueueMetrics = MessageQueueMetrics(  # type: ignore[assignment] # the fixed name of both
            queue if queue.observable else None, window=window, runtime=queue.runtime
        )
        # (s) by task, since several workers call handlers at the same time
        self._handler_times: dict[Task | None, float] = {}

    def get_metrics(self) -> dict[str, Any]:
        """Return the summary of the metrics."""
        return self.metrics.get_summary()

    def _try(self, message: Message) -> bool:
        if not self.queue.observable:
            self.metrics.record_message_received()
        try:
            return super()._try(message)
        finally:
            self._handler_times.pop(self._runtime.current_task(), None)

    def _attempt(self, message: Message, handle: Callable[[Message], Outcome]) -> Outcome | None:
        outcome = super()._attempt(message, handle)
        took = self._handler_times.get(self._runtime.current_task())
        # also for a failure: the time of failed tries counts in the histogram of durations; None
        # for a message without a handler
        if took is not None and self.queue.observable:
            self.metrics.record_processing(message, took)
        return outcome

    def _call(self, handler: Handler, message: Message) -> object:
        began = self._runtime.now
        try:
            result = super()._call(handler, message)
        except PASSES:
            raise
        except (Reject, Release):
            raise
        except BaseException:
            self.metrics.record_error()
            raise
        finally:
            self._handler_times[self._runtime.current_task()] = self._runtime.now - began
        # an exception that was returned means the same as one that was raised
        if isinstance(result, BaseException) and not isinstance(result, Reject | Release):
            self.metrics.record_error()
        return result

    def _count(self, message: Message, outcome: Outcome) -> None:
        super()._count(message, outcome)
        if self.queue.observable:
            return
        if outcome.kind == "completed":
            self.metrics.record_message_acked(self._handler_times[self._runtime.current_task()])
        elif outcome.kind == "failed":
            self.metrics.record_message_nacked()
        elif outcome.kind == "rejected":
            self.metrics.record_dead_letter()
