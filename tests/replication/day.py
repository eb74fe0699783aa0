"""A random day of a replicated log: what goes wrong when, and what was seen of it from outside."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from mqlearn import NotLeader, Producer, ReplicatedLog, Simulation, Trace, Truncated
from mqlearn.runtime.trace import Record

CALM, QUIET, UNTIL = 45.0, 46.0, 90.0  # s: all faults are over, nothing more is sent, the end
KINDS = ("kill", "kill", "cut", "slow", "power", "power")
PRODUCERS = "abcde"
RATE = 3.0  # values per second of all producers together
READ_EVERY = 0.5  # s


@dataclass(frozen=True)
class Fault:
    """One fault: it begins `at` and `lasts` (both s). It hits the leader of that time, or else this
    `replica`; `pace` is what it fetches every (s), if it is slow.
    """

    at: float
    kind: str
    leader: bool
    replica: int
    lasts: float
    pace: float


@dataclass(frozen=True)
class Day:
    """What is drawn for a day; `paces` is how often (s) each replica fetches."""

    seed: int
    acks: str | int
    replicas: int
    least: int
    in_flight: int
    paces: tuple[float, ...]
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """One line for each fault."""
        paces = ", ".join(f"{pace:.2f}" for pace in self.paces)
        lines = [
            f"acks={self.acks}, {self.least} of {self.replicas} in sync at least, "
            f"{self.in_flight} in flight, fetches every {paces}"
        ]
        for fault in sorted(self.faults, key=lambda fault: fault.at):
            whom = "the leader" if fault.leader else f"replica {fault.replica}"
            pace = f", every {fault.pace:.2f}" if fault.kind == "slow" else ""
            lines.append(f"  {fault.at:5.2f}: {fault.kind} {whom} for {fault.lasts:.2f}{pace}")
        return "\n".join(lines)


def draw_day(seed: int, acks: str | int = "all", *, replicas: int = 3, least: int = 2) -> Day:
    """The day of this seed: a dozen faults that overlap, most of them of the leader."""
    dice = random.Random(seed)
    faults = []
    for _ in range(dice.randint(10, 18)):
        kind = dice.choice(KINDS)
        # a machine without power is often back before it is missed: that is when it does harm
        lasts = 0.3 + 10 * dice.random() ** 2 if kind == "power" else dice.uniform(0.5, 12)
        faults.append(
            Fault(
                dice.uniform(2, CALM - 13),
                kind,
                dice.random() < 0.6,
                dice.randrange(replicas),
                lasts,
                dice.uniform(0.5, 6),
            )
        )
    paces = tuple(0.05 + 0.8 * dice.random() ** 2 for _ in range(replicas))
    return Day(seed, acks, replicas, least, dice.choice((1, 3)), paces, tuple(faults))


@dataclass
class Seen:
    """What was seen from outside, and the records for those that want to know why."""

    told: dict[str, dict[Hashable, str]] = field(default_factory=dict)
    log: list[Hashable] | None = None  # at the end; None: there is no leader
    read: list[Hashable] = field(default_factory=list)
    moved: int = 0  # times that the reader was beyond the log, or an offset had another value
    committed: bool = False  # a reader of committed values gets the whole log
    trace: Trace = field(default_factory=Trace)
    # at the end: what each replica has, and in which epochs the leader's entries were appended
    copies: list[list[Hashable]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        """The records of the day."""
        return self.trace.records


def play(
    day: Day,
    kind: type[ReplicatedLog] = ReplicatedLog,
    *,
    idempotent: bool = True,
    **options: Any,
) -> Seen:
    """Live through a day, of a log of this kind and with these options."""
    seen = Seen()
    with Simulation(day.seed) as sim:
        log = kind(
            "orders",
            day.replicas,
            min_insync_replicas=day.least,
            session_timeout=2.0,
            lag_limit=4.0,
            runtime=sim,
            trace=seen.trace,
            **options,
        )
        for number, pace in enumerate(day.paces):
            log.slow(number, pace)
        producers = [
            Producer(
                log,
                name,
                acks=day.acks,
                idempotent=idempotent,
                in_flight=day.in_flight,
                timeout=2.0,
                delivery_timeout=UNTIL,
            )
            for name in PRODUCERS
        ]
        for producer in producers:
            sim.spawn(_send, producer, name=f"{producer.name}'s till")
            seen.told[producer.name] = producer.told
        for number, fault in enumerate(day.faults):
            sim.spawn(_break, day, fault, log, producers, name=f"fault-{number}")
        sim.spawn(_read, log, seen, name="reader", daemon=True)
        sim.run(until=UNTIL)
        _look_at_the_end(log, seen)
    return seen


def _send(producer: Producer) -> None:
    """Send a value now and then, until it is quiet."""
    runtime, number = producer.log.runtime, 0
    while True:
        number += 1
        value = f"{producer.name}-{number}"
        runtime.sleep(2 * runtime.draw("gap", value) * len(PRODUCERS) / RATE)
        if runtime.now >= QUIET:
            return
        producer.send(value)


def _break(day: Day, fault: Fault, log: ReplicatedLog, producers: list[Producer]) -> None:
    """Let a fault happen, and be over again."""
    runtime = log.runtime
    runtime.sleep(fault.at)
    number = log.leader if fault.leader and log.leader is not None else fault.replica
    if fault.kind == "kill":
        if log.kill(number):
            runtime.sleep(fault.lasts)
            log.restart(number)
    elif fault.kind == "cut":
        led = number == log.leader
        if log.partition(number):
            _believe(producers[::2], number if led else None)  # half of them are on its side
            runtime.sleep(fault.lasts)
            _believe(producers[1::2], number if led else None)  # the other half comes back too late
            log.partition(number, cut=False)
    elif fault.kind == "slow":
        log.slow(number, fault.pace)
        runtime.sleep(fault.lasts)
        log.slow(number, day.paces[number])
    elif fault.kind == "rack":  # drawn by no day: it is what no copy survives
        log.power_cut(*range(day.replicas))
        runtime.sleep(fault.lasts)
        for each in range(day.replicas):
            log.restart(each)
    # one machine, and only while all have everything: a minority
    elif len(log.isr) == day.replicas and all(each.reachable for each in log.replicas):
        log.power_cut(number)
        runtime.sleep(fault.lasts)
        log.restart(number)


def _believe(producers: list[Producer], leader: int | None) -> None:
    """Let these producers believe that a replica leads."""
    for producer in producers if leader is not None else []:
        producer.to = leader


def _read(log: ReplicatedLog, seen: Seen) -> None:
    """Read what is committed; begin again where the log has become shorter."""
    position, values = 0, seen.read
    while True:
        log.runtime.sleep(READ_EVERY)
        try:
            got = log.fetch(position)
        except NotLeader:
            continue
        except Truncated:
            seen.moved += 1
            position = 0
            continue
        values += got
        position += len(got)


def _look_at_the_end(log: ReplicatedLog, seen: Seen) -> None:
    """What `fetch` gives when all is calm, and what each replica has."""
    seen.copies = [[entry.value for entry in replica.log] for replica in log.replicas]
    seen.epochs = [entry.epoch for entry in log.replicas[log.leader or 0].log]
    try:
        seen.log = log.fetch(0, 10**9, committed=False)
        seen.committed = log.fetch(0, 10**9) == seen.log
    except NotLeader:
        seen.log = None


def happened(seen: Seen) -> Counter[str]:
    """How often each kind of thing happened."""
    return Counter(record.event for record in seen.records)
