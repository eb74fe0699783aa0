"""A day on which everything may go wrong: what a seed decides before the day begins."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random
from typing import Any

from mqlearn import FailureRate, Message, MessagePriority, RetryPolicy
from mqlearn.study.faults import Faults

# "by hand": one call behind a breaker at a time
KINDS = ("plain", "monitored", "breaker", "by hand", "batch")
RETRIES = (
    None,
    None,
    RetryPolicy(1.0),
    RetryPolicy(0.5, cap=4.0, jitter="equal"),
    RetryPolicy(2.0, jitter="none"),
    RetryPolicy(3.0, factor=1.0, jitter="none"),
)
NORMAL = MessagePriority.NORMAL
RATES = (
    None,
    None,
    FailureRate(0.5, calls=6, minimum=4),
    FailureRate(0.5, seconds=10.0, minimum=3),
)


@dataclass(frozen=True)
class Day:
    """The settings of one day; all times in seconds.

    `kind` is the sort of processor, `queue` its queue's options, `breaker` and `batch` theirs;
    `newest_first` whether that queue serves the newest first.
    `work` is the longest that a try works; `heartbeat` whether it renews its lease half-way. Of the
    messages, `rejects`, `releases`, `false` and `unroutable` are the shares that end so. `orders`
    is when which message is sent by which producer, with what delay and how much patience;
    `operations` what operators do when. `mischief` is the share of the calls of handed-in code
    (listeners, policies, keys, handlers) that go wrong.
    """

    seed: int
    kind: str
    queue: dict[str, Any]
    dedup_window: float | None
    newest_first: bool
    workers: int
    prefetch: int
    restart_after: float
    breaker: dict[str, Any]
    batch: dict[str, Any]
    batch_faults: float
    idempotent: bool
    faults: Faults
    work: float
    heartbeat: bool
    rejects: float
    releases: float
    false: float
    unroutable: float
    window: float | None
    orders: tuple[Order, ...]
    operations: tuple[tuple[float, str], ...]
    mischief: float

    def __str__(self) -> str:
        """Every setting on a line, and every message."""
        settings = [
            f"  {each.name} = {getattr(self, each.name)!r}"
            for each in fields(self)
            if each.name != "orders"
        ]
        return "\n".join([*settings, "  orders:", *(f"    {order}" for order in self.orders)])


@dataclass(frozen=True)
class Order:
    """A message, and when (s) which producer sends it, to be delivered after `delay` s, with
    `patience` s for room.
    """

    time: float
    producer: int
    message: Message
    delay: float
    patience: float | None

    def __str__(self) -> str:
        it = self.message
        return (
            f"{self.time:6.2f} s  producer-{self.producer} {it.id} ({it.body['order']}, "
            f"{it.priority.name}, "
            f"{it.max_retries} retries, ttl {it.ttl:g}) delay {self.delay:g} patience "
            f"{self.patience}"
        )


def draw_day(seed: int) -> Day:
    """The day of this seed."""
    dice = Random(seed)
    one, maybe = dice.choice, lambda share, value: value if dice.random() < share else 0.0
    span = one((10.0, 30.0, 60.0))
    outage = dice.uniform(0.0, span)
    faults = Faults(
        failure_rate=one((0.0, 0.1, 0.4)),
        poison=one((0.0, 0.1, 0.3)),
        crash_before=one((0.0, 0.05, 0.1)),
        crash_after=one((0.0, 0.05, 0.1)),
        lost_ack=one((0.0, 0.1, 0.2)),
        duplicates=one((0.0, 0.2)),
        outage=one((None, (outage, outage + dice.uniform(1.0, 20.0)))),
        slow_worker=one((0.0, "worker-0", 0.5)),
        slow_factor=one((1.0, 4.0)),
    )
    queue = {
        "max_size": one((3, 8, 1000, 1000)),
        "on_full": one(("reject", "block", "drop_oldest")),
        "visibility_timeout": one((None, 1.0, 4.0, 4.0, 30.0)),
        "retry": one(RETRIES),
    }
    breaker = {
        "failure_threshold": one((1, 2, 5)),
        "cooldown": one((0.5, 3.0, 10.0)),
        "probes": one((1, 1, 2, 4)),
        "rate": one(RATES),
        "slow_after": one((None, None, 3.0)),
        "probe_timeout": one((4.0, 60.0)),
    }
    batch = {
        "batch_size": one((1, 3, 10)),
        "batch_timeout": one((0.0, 1.0, 9.0)),
        "on_failure": one(("failures", "failures", "all", "one by one")),
        "on_stop": one(("flush", "return")),
    }
    # of dice of their own, so that all else on a day stays what it was
    more = Random(f"more on {seed}")
    idempotent = dice.random() < 0.4
    # the claim of a worker that dies would never end
    if idempotent and queue["visibility_timeout"] is None:
        queue["visibility_timeout"] = 4.0
    return Day(
        seed,
        one(KINDS),
        queue,
        one((None, None, None, 5.0, 60.0)),
        more.random() < 0.3,
        one((1, 2, 3, 8)),
        one((1, 1, 3)),
        one((0.0, 1.0, 5.0)),
        breaker,
        batch,
        maybe(0.6, 0.15),
        idempotent,
        faults,
        one((0.0, 1.0, 3.0, 6.0)),
        dice.random() < 0.2,
        maybe(0.5, 0.1),
        maybe(0.5, 0.15),
        maybe(0.5, 0.1),
        maybe(0.3, 0.1),
        one((None, 20.0)),
        draw_orders(dice, one((12, 24, 40)), span),
        tuple(sorted((*draw_operations(dice, span), *draw_scalings(more, span)))),
        one((0.0, 0.0, 0.05, 0.2)),
    )


def draw_orders(dice: Random, count: int, span: float) -> tuple[Order, ...]:
    """So many messages over so many seconds; some of them the same message or the same order
    again.
    """
    one, orders = dice.choice, list[Order]()
    ttls, retries = one(((3600.0,), (3600.0, 2.0, 6.0))), one(((3,), (0, 1, 3)))
    for number in range(count):
        message = Message(
            id=f"message-{number}",
            body={"order": f"order-{number}"},
            ttl=one(ttls),
            max_retries=one(retries),
            priority=one((NORMAL, NORMAL, *MessagePriority)),
        )
        chance = dice.random()
        if orders and chance < 0.1:
            message = dice.choice(orders).message
        elif orders and chance < 0.25:
            message.body = dice.choice(orders).message.body
        orders.append(
            Order(
                dice.uniform(0.0, span),
                one((0, 0, 1)),
                message,
                one((0.0, 0.0, 0.0, 1.0, 7.5)),
                one((0.0, 0.7, 5.0, None)),
            )
        )
    return tuple(sorted(orders, key=lambda order: order.time))


def draw_operations(dice: Random, span: float) -> tuple[tuple[float, str], ...]:
    """What operators do while messages come and for as long again: each day something else."""
    chosen = dice.choices(
        ("stop", "restart", "redrive", "purge", "wake", "close"),
        (3, 3, 4, 3, 1, 1),
        k=dice.choice((0, 3, 6)),
    )
    return tuple(sorted((dice.uniform(0.0, 2 * span), operation) for operation in chosen))


def draw_scalings(dice: Random, span: float) -> list[tuple[float, str]]:
    """When the number of workers is changed; on every second day never."""
    return [(dice.uniform(0.0, 2 * span), "scale") for _ in range(dice.choice((0, 0, 2, 6)))]
