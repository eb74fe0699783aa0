"""Unit 07: who hears about it, and who may slow whom?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.broker import TopicBasedMessageBroker
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.fan_outs import FanOutAnalysis
from mqlearn.study.arrivals import by_pattern
from mqlearn.study.faults import Failure, happens, one_try
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, param, refuse_queue
from mqlearn.study.words import format_count, join_names

TOPIC = "orders.paid"
SUBSCRIBERS = ("mail", "parcel", "audit")
IN_ORDER, DELAYED = "in order", "delayed"
TITLE = 110  # letters that the two lines of a chart's title have room for
# what may become of an order beside being heard in its turn, with its title in the verdict
FATES = {"dead": "Dead letters", "lost": "Lost", "late": "Out of order"}


@dataclass(frozen=True)
class FanOut(Scenario):
    """Orders are paid, and three hear of it: mail thanks the customer, parcel calls a webhook,
    audit keeps a record.

    The shop publishes each order when it is paid, or as soon as no full queue blocks it. Every
    subscriber has its own queue for at most `queue_limit` orders. Each subscriber has its own
    time for a call, and its own probability that a call fails. A failed order is tried again at
    once in its old place, or after a delay of 2, 4, 8 … seconds while other orders overtake it.
    """

    TITLE: ClassVar[str] = "Who hears about it, and who may slow whom?"
    CHARTS: ClassVar[tuple[str, ...]] = ("subscriber_lag", "outcomes", "overtaking")
    PREDICTS: ClassVar[str] = "subscriber_lag"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "the slow auditor": {"audit_time": 1.0, "queue_limit": 100},
        "the broken webhook": {
            "audit_time": 0.0,
            "parcel_time": 0.05,
            "parcel_fails": 0.4,
            "retries": 1,
        },
        "deaf": {"audit_time": 5.0, "queue_limit": 100, "when_full": "block"},
    }

    arrivals: str = param(
        "poisson",
        group="load",
        choices=("poisson", "regular"),
        help="Orders are paid at random, or like clockwork.",
    )
    rate: float = param(
        10.0, unit="1/s", low=1, high=30, step=1, group="load", help="Orders paid a second."
    )
    window: float = param(
        60.0,
        unit="s",
        low=30,
        high=120,
        step=10,
        group="load",
        help="How long orders are paid and subscribers are watched.",
    )
    mail_time: float = param(
        0.0, unit="s", low=0, high=10, step=0.05, group="workers", help="How long mail takes."
    )
    parcel_time: float = param(
        0.0, unit="s", low=0, high=10, step=0.05, group="workers", help="How long parcel takes."
    )
    audit_time: float = param(
        1.0, unit="s", low=0, high=10, step=0.05, group="workers", help="How long audit takes."
    )
    spread: float = param(
        0.0,
        low=0,
        high=1,
        step=0.1,
        group="workers",
        help="Each call takes its time, give or take this share of it.",
    )
    mail_fails: float = param(
        0.0,
        low=0,
        high=1,
        step=0.05,
        group="failures",
        help="The probability with which a call of mail fails.",
    )
    parcel_fails: float = param(
        0.0,
        low=0,
        high=1,
        step=0.05,
        group="failures",
        help="The probability with which a call of parcel fails.",
    )
    audit_fails: float = param(
        0.0,
        low=0,
        high=1,
        step=0.05,
        group="failures",
        help="The probability with which a call of audit fails.",
    )
    queue_limit: int = param(
        10_000,
        low=1,
        high=10_000,
        group="policy",
        help="How many orders may wait for a subscriber.",
    )
    when_full: str = param(
        "reject",
        group="policy",
        choices=("reject", "drop_oldest", "block"),
        help="Then the new order is refused, the oldest is dropped, or the shop waits.",
    )
    retry: str = param(
        IN_ORDER,
        group="policy",
        choices=(IN_ORDER, DELAYED),
        help="A failed order is tried again at once in its place, or steps aside for 2, 4, 8 … s.",
    )
    retries: int = param(
        3, low=0, high=8, group="policy", help="How often an order is tried again at most."
    )
    prediction: float | None = param(
        None,
        unit="orders",
        low=0,
        high=3600,
        group="load",
        help="How far behind is the slowest at the end?",
    )

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which orders are paid, in seconds since the start."""
        check.instance("runtime", runtime, Runtime)
        return by_pattern(self.arrivals, self.rate, self.window, runtime.draw)

    def callback(self, name: str, runtime: Runtime) -> Handler:
        """Return the callback of the subscriber with this name."""
        check.one_of("name", name, SUBSCRIBERS)
        check.instance("runtime", runtime, Runtime)
        seconds, fails = getattr(self, f"{name}_time"), getattr(self, f"{name}_fails")

        def call(message: Message) -> None:
            u = runtime.draw("takes", name, message.id)  # in [0, 1): how long this call takes
            if seconds:
                runtime.sleep(seconds * (1 + self.spread * (2 * u - 1)))
            if happens(runtime, fails, "fails", name, *one_try(message)):
                raise Failure("500")

        return call

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        refuse_queue(queue, "each subscription has its own")
        trace = Trace()
        broker = TopicBasedMessageBroker(runtime=runtime, trace=trace)
        policy = RetryPolicy(2.0, jitter="none") if self.retry == DELAYED else None
        callbacks = {name: self.callback(name, runtime) for name in SUBSCRIBERS}
        for name, callback in callbacks.items():
            broker.subscribe(
                TOPIC,
                callback,
                max_size=self.queue_limit,
                on_full=self.when_full,
                retry=policy,
                name=name,
            )
        self.tell(runtime, trace, broker)
        run = self.report(trace, runtime.now, seed, self._theory())
        for callback in callbacks.values():
            # On threads the delivery loops would go on after the run.
            broker.unsubscribe(TOPIC, callback, drain=False)
        return run

    def tell(self, runtime: Runtime, trace: Trace, broker: Any) -> None:
        """Let the shop publish to `broker` for `window` seconds, then freeze the trace.

        The shop ignores an exception that `publish` raises, and publishes the next order.
        """
        start = runtime.now
        orders = [
            (start + time, Message(id=f"order-{number}", max_retries=self.retries, ttl=1e9))
            for number, time in enumerate(self.arrival_times(runtime), 1)
        ]
        for time, order in orders:
            runtime.call_at(time, lambda order=order: _occurred(runtime, trace, order))  # type: ignore[misc]

        def shop() -> None:
            for time, order in orders:
                if time > runtime.now:
                    runtime.sleep_until(time)
                try:
                    broker.publish(TOPIC, order)
                except Exception:
                    # a subscriber's, which a broker made in a notebook may let through
                    continue

        runtime.spawn(shop, name="shop")
        observe(runtime, trace, self.window)

    def report(
        self, trace: Trace, until: float, seed: int, theory: dict[str, Any] | None = None
    ) -> Run:
        """Return the run that a frozen trace records, observed until `until` (s); `theory` has the
        expected values.
        """
        books, analysis = trace.balance(), FanOutAnalysis(trace.records)
        fates = {name: analysis.outcomes(name) for name in analysis.names}
        behind = {name: fate["behind"] for name, fate in fates.items()}
        slowest = max(behind.values(), default=0)
        totals: dict[str, float] = {
            "published": max((len(those) for those in analysis.occurred.values()), default=0),
            "done": sum(record.event == "acked" for record in trace.records),
            "dead": books.dead,
            "refused": books.rejected,
            "dropped": books.dropped,
            "behind": slowest,
            "overtaken": sum(fate["late"] for fate in fates.values()),
        }
        parts = [f"{totals['published']:,} orders: {_describe(fates)}."]
        for fate, title in FATES.items():
            listed = [f"{name} {fates[name][fate]:,}" for name in fates if fates[name][fate]]
            parts += [f"{title}: {', '.join(listed)}."] if listed else []
        headline = " ".join(parts)
        if len(headline) > TITLE:
            sums = {fate: sum(each[fate] for each in fates.values()) for fate in FATES}
            words = {
                "dead": format_count(sums["dead"], "dead letter"),
                "lost": f"{sums['lost']:,} lost",
                "late": f"{sums['late']:,} out of order",
            }
            headline = f"{parts[0]} {', '.join(words[fate] for fate in FATES if sums[fate])}."
        parts += self._compare_prediction(f"{slowest:,}")
        return Run(self, seed, trace, until, totals, " ".join(parts), theory or {}, headline)

    def _theory(self) -> dict[str, Any]:
        """Return the number of orders that the slowest subscriber is behind at the end, if no call
        fails and no queue is full: (arrival rate − its speed) × window.
        """
        times = [getattr(self, f"{name}_time") for name in SUBSCRIBERS]
        slowest = max(times)
        if any(getattr(self, f"{name}_fails") for name in SUBSCRIBERS):
            return {}
        behind = max(0.0, self.rate - 1 / slowest) * self.window if slowest else 0.0
        return {"behind": behind} if behind < self.queue_limit else {}


def _describe(fates: dict[str, dict[str, int]]) -> str:
    """Say of each subscriber how far it is behind, or how many orders it heard."""
    groups: dict[str, list[str]] = {}
    for name, fate in fates.items():
        groups.setdefault(_fate(fate), []).append(name)
    return ", ".join(
        f"{join_names(names)} {fate.format(be='is' if len(names) == 1 else 'are')}"
        for fate, names in groups.items()
    )


def _fate(fate: dict[str, int]) -> str:
    """Return what became of a subscriber's orders; one that missed any is not up to date."""
    heard, behind = fate["heard"] + fate["late"], fate["behind"]
    missed = fate["dead"] + fate["lost"]
    if behind:
        return f"{'' if heard else 'heard none and '}{{be}} {behind:,} behind"
    if not missed:
        return "{be} up to date"
    return f"heard {heard:,} of {heard + missed:,}" if heard else "heard none"


def _occurred(runtime: Runtime, trace: Trace, order: Message) -> None:
    for name in SUBSCRIBERS:
        trace.note(
            runtime.now,
            "occurred",
            name,
            message_id=order.id,
            priority=order.priority.name,
            detail=TOPIC,
        )
