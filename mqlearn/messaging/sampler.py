"""A sampler: it looks at a queue every few seconds and asks the alerts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mqlearn.messaging.alerts import AlertRule
from mqlearn.messaging.metrics import MessageQueueMetrics
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.sample import Sample
from mqlearn.messaging.service_level import ServiceLevel
from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.runtime.handed_in import PASSES
from mqlearn.runtime.trace import Trace


class Page(NamedTuple):
    """One page: the name of its `alert`, and the time (s) at which that began to fire."""

    alert: str
    time: float


class QueueSampler:
    """Looks at a queue every `every` seconds, from `start()` until `stop()`.

    `samples` are the looks so far, in order of time. The `alerts`, by name, see each of them;
    `values` has the value of each alert at each sample. When one begins to fire, that is a page: it
    is added to `pages` and recorded in the trace as "paged", and its end as "resolved".

    `goal` is the time (s) within which a message is to be done. `charged()` returns the number of
    effects outside so far; without it, a sample has 0.

    An alert that raises is reported, and the others are still asked.
    """

    def __init__(
        self,
        queue: MessageQueue,
        alerts: Mapping[str, AlertRule] | None = None,
        *,
        every: float = 10.0,
        goal: float = 60.0,
        charged: Callable[[], int] | None = None,
        trace: Trace | None = None,
    ) -> None:
        check.instance("queue", queue, MessageQueue)
        alerts = {} if alerts is None else alerts
        check.instance("alerts", alerts, Mapping)
        for name, alert in alerts.items():
            check.instance("alerts", name, str)
            check.instance("alerts", alert, AlertRule)
        self.every = check.number("every", every, above=0)
        check.number("goal", goal, above=0)
        check.function("charged", charged, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        self.alerts = dict(alerts)
        self.samples: list[Sample] = []
        self.values: dict[str, list[float]] = {name: [] for name in alerts}
        self.pages: list[Page] = []
        self.firing: set[str] = set()
        self.service_level = ServiceLevel(queue, goal=goal)
        self.metrics = MessageQueueMetrics(queue)
        self._charged, self._runtime = charged, queue.runtime
        self._trace = queue.trace if trace is None else trace
        self._timer: Timer | None = None
        self._next = 0.0  # when the next look is due (s)

    def start(self) -> None:
        """Look at the queue `every` seconds from now for the first time. Raises RuntimeError if it
        is running.
        """
        if self._timer is not None:
            raise RuntimeError("the sampler is running already; stop it first")
        self._next = self._runtime.now
        self._schedule()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> Sample:
        """Return a sample of this instant, which no alert sees."""
        seen, level = self.metrics.snapshot(), self.service_level
        return Sample(
            self._runtime.now,
            sent=int(seen.counts["messages_sent"]),
            done=int(seen.counts["messages_acked"]),
            late=level.late,
            dead=int(seen.counts["messages_dead_letter"]),
            charged=0 if self._charged is None else self._charged(),
            waiting=seen.places["waiting"],
            oldest=seen.oldest_age,
            received=int(seen.counts["messages_received"]),
            failed=int(seen.counts["messages_nacked"]),
            due=level.due,
            missed=level.missed,
            in_flight=seen.places["in flight"],
        )

    def _schedule(self) -> None:
        # from the time that was due, not from now: on threads a late look would delay all others
        self._next += self.every
        # weak, so that a sampler that is dropped ends; a daemon, so that it keeps no run alive
        self._timer = self._runtime.call_at(
            self._next, weak_callback(self._look_again), daemon=True
        )

    def _look_again(self) -> None:
        try:
            sample = self.look()
        except PASSES:
            raise
        except BaseException as error:  # of `charged`
            self._runtime.report(error)
        else:
            self.samples.append(sample)
            for name, alert in self.alerts.items():
                self._ask(name, alert, sample)
        if self._timer is not None:
            self._schedule()

    def _ask(self, name: str, alert: AlertRule, sample: Sample) -> None:
        try:
            fires = alert.see(sample)
        except PASSES:
            raise
        except BaseException as error:
            self.values[name].append(math.nan)
            self._runtime.report(error)
            return
        self.values[name].append(alert.value)
        if fires == (name in self.firing):
            return
        if fires:
            self.firing.add(name)
            self.pages.append(Page(name, sample.now))
        else:
            self.firing.discard(name)
        if self._trace is not None:
            event = "paged" if fires else "resolved"
            self._trace.note(sample.now, event, name, detail=alert.value)
