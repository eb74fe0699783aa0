"""Twenty reports of measurements, each with the faults that make it worthless; a few have none.

A report is made of a sound measurement: each of its faults changes the figures that it shows up in,
and each of its traps changes figures so that they only look like a fault. Its notes are what an
author would write, and say nothing that can be relied on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Final

FAULTS: Final = (
    "no warm-up",
    "one run",
    "unacknowledged sends",
    "client-bound",
    "other body size",
    "other durability",
    "average latency",
    "coordinated omission",
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """The measurement of one engine.

    body_bytes      size of a message
    durability      what a confirmation stands for: "memory", "page cache", "fsync" or "3 replicas"
    rounds          messages per second, second by second, of each round
    counted_from    the first second of a round that counts for the result, from 0
    sent, confirmed messages in all rounds when the clock stopped
    client_cpu      busy share of the client's busiest core
    server_cpu      busy share of all the server's cores
    latency         seconds from send to receive, by name: "mean", "p50", "p99"; may be empty
    asked_per_second, seconds   rate and length of the run that measured the latency
    timed           messages whose latency was taken in that run
    timed_from      "due": from the time when a message should have been sent; "sent": from the
                    time when it was
    """

    engine: str
    body_bytes: int = 1000
    durability: str = "3 replicas"
    rounds: tuple[tuple[float, ...], ...] = ()
    counted_from: int = 5
    sent: int = 0
    confirmed: int = 0
    client_cpu: float = 0.55
    server_cpu: float = 0.85
    latency: dict[str, float] = field(default_factory=dict)
    asked_per_second: float = 1000.0
    seconds: float = 60.0
    timed: int = 60_000
    timed_from: str = "due"


@dataclass(frozen=True)
class Report:
    """A report that compares two engines, or shows one."""

    title: str
    notes: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Plan:
    """The recipe of a report: its engines, its faults, and its traps by name."""

    title: str
    notes: str
    engines: tuple[str, ...]
    faults: tuple[str, ...]
    traps: tuple[str, ...] = ()


K, R, P, V = "Kafka 4.4.0", "RabbitMQ 4.3.5", "Pulsar 4.0.0", "Valkey 9.1.2"
PLANS: Final = (
    Plan("Kafka against RabbitMQ", "Three rounds after a warm-up.", (K, R), ("other body size",)),
    Plan(
        "How fast is Valkey?",
        "Warmed up for 2 s, and the best of several runs is shown.",
        (V,),
        ("no warm-up", "one run"),
        ("short warm-up",),
    ),
    Plan(
        "RabbitMQ in production",
        "No warm-up was needed: the servers had been under load since the morning.",
        (R,),
        (),
        ("warm already", "mean beside p99"),
    ),
    Plan("Pulsar wins", "Same machines, same client.", (P, K), ("other durability", "one run")),
    Plan(
        "A million per second",
        "All sends succeeded. Each message was acknowledged to our full satisfaction.",
        (K,),
        ("unacknowledged sends",),
        ("half confirmed",),
    ),
    Plan(
        "Python against three brokers",
        "We measured the brokers, not the client.",
        (K, R),
        ("client-bound",),
        ("body sizes alike",),
    ),
    Plan(
        "Latency below 3 ms",
        "We know about coordinated omission and have asked for a constant rate.",
        (R,),
        ("coordinated omission",),
    ),
    Plan("Our new gateway", "Latency: 2 ms.", (V,), ("average latency", "one run")),
    Plan(
        "Fire and measure",
        "The producer does not wait, for a fair comparison.",
        (K, V),
        ("unacknowledged sends", "other durability", "average latency"),
    ),
    Plan(
        "Durable queues compared",
        "One engine writes to disk and one replicates: both are durable.",
        (R, P),
        ("other durability",),
        ("server full",),
    ),
    Plan(
        "A stall of a second",
        "The generator fell behind during a pause, so fewer messages were timed than asked for.",
        (K,),
        (),
        ("fell behind, from due", "in flight at the end"),
    ),
    Plan(
        "Everything in one afternoon",
        "A first look.",
        (K, R),
        ("no warm-up", "one run", "client-bound", "average latency"),
    ),
    Plan(
        "Small and large messages",
        "1 kB here, 1 KiB there.",
        (P, R),
        ("no warm-up", "coordinated omission"),
        ("body sizes alike",),
    ),
    Plan(
        "Asynchronous and fast",
        "Sends are asynchronous: the client goes on and collects the confirmations.",
        (K, P),
        ("coordinated omission", "average latency"),
        ("in flight at the end",),
    ),
    Plan(
        "Ten thousand per core",
        "One client per engine, since more would not be fair.",
        (R, V),
        ("client-bound", "unacknowledged sends", "other durability"),
    ),
    Plan(
        "Stream engines, small events",
        "Median of three, without the first seconds, confirmed by all replicas.",
        (K, P),
        (),
        ("from sent, on time", "server full"),
    ),
    Plan(
        "Kilobytes and bytes",
        "Throughput in MB/s would show the same.",
        (V, K),
        ("other body size", "other durability", "client-bound"),
    ),
    Plan("Quick check", "Repeated until stable.", (P,), ("no warm-up", "unacknowledged sends")),
    Plan(
        "Percentiles for all",
        "p50 to p99.9 on request; the mean is easier to compare.",
        (R, K),
        ("average latency", "other body size"),
        ("warm already",),
    ),
    Plan(
        "The vendor's own test",
        "Repeatable with the scripts that we publish.",
        (P, R),
        ("one run", "other body size", "coordinated omission"),
        ("server full",),
    ),
)


def _report(plan: Plan) -> Report:
    sides = [_side(plan, engine, number) for number, engine in enumerate(plan.engines)]
    last = sides[-1]
    if "other body size" in plan.faults:
        last = replace(last, body_bytes=100)
    if "body sizes alike" in plan.traps:
        last = replace(last, body_bytes=1024)
    if "other durability" in plan.faults:
        last = replace(last, durability="page cache" if last.engine != V else "memory")
    return Report(plan.title, plan.notes, (*sides[:-1], last))


def _side(plan: Plan, engine: str, number: int) -> Side:
    """Return one side of a report, drawn for its title; faults of a single side are in each."""
    rng = random.Random(f"{plan.title} {number}")
    side = _latency(Side(engine=engine), plan, rng)
    cold = "no warm-up" in plan.faults
    short, warm = "short warm-up" in plan.traps, "warm already" in plan.traps
    count = 1 if "one run" in plan.faults else 3
    level = rng.uniform(20_000, 60_000)
    rounds = tuple(_seconds(level, 9 if short else 4, rng, warm=warm) for _ in range(count))
    sent = round(sum(map(sum, rounds)))
    confirmed = sent
    if "unacknowledged sends" in plan.faults:
        confirmed = sent // 2 if "half confirmed" in plan.traps else 0
    elif "in flight at the end" in plan.traps:
        confirmed = sent - rng.randint(100, 500)
    full = "client-bound" in plan.faults
    return replace(
        side,
        rounds=rounds,
        counted_from=2 if short else 0 if cold or warm else 6,
        sent=sent,
        confirmed=confirmed,
        client_cpu=round(rng.uniform(0.97, 1.0) if full else rng.uniform(0.3, 0.7), 2),
        server_cpu=round(
            rng.uniform(0.1, 0.4) if full else 0.98 if "server full" in plan.traps else 0.8, 2
        ),
    )


def _seconds(level: float, ramp: int, rng: random.Random, *, warm: bool) -> tuple[float, ...]:
    """Return a round of 30 seconds around a level, which a cold engine reaches after `ramp` s."""
    speeds = []
    for second in range(30):
        share = 1.0 if warm or second >= ramp else 0.15 + 0.5 * second / ramp
        speeds.append(round(level * share * rng.uniform(0.95, 1.05)))
    return tuple(speeds)


def _latency(side: Side, plan: Plan, rng: random.Random) -> Side:
    """Return the side with its latencies, and with how they were measured."""
    mean = rng.uniform(0.001, 0.003)
    found = {"p50": mean * 0.8, "p99": mean * rng.uniform(6, 20)}
    if "average latency" in plan.faults:
        found = {"mean": mean}
    elif "mean beside p99" in plan.traps:
        found = {"mean": mean, **found}
    side = replace(side, latency={name: round(value, 4) for name, value in found.items()})
    behind = round(side.timed * rng.uniform(0.5, 0.8))
    if "coordinated omission" in plan.faults:
        return replace(side, timed=behind, timed_from="sent")
    if "fell behind, from due" in plan.traps:
        return replace(side, timed=behind)
    return replace(side, timed_from="sent") if "from sent, on time" in plan.traps else side


REPORTS: Final = tuple(_report(plan) for plan in PLANS)
RIGHT: Final = tuple(frozenset(plan.faults) for plan in PLANS)  # the faults of each report
