"""Runs with copies of a log, or a reader, from a notebook's cell in the place of the package's own.

run_with_copies(NaiveReplicas)        an order each 0.05 s for 20 s; the leader dies at 10.3 s
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.replica import NotLeader, Truncated
from mqlearn.streaming.replicated import ReplicatedLog
from mqlearn.study.analysis.promises import PromiseAnalysis
from mqlearn.study.run import Context, Run
from mqlearn.study.words import format_count, format_number
from mqlearn.units.replication.scenario import ReplicatedOrders
from mqlearn.units.replication.shop import WATCHED, Shop

EVERY, UNTIL = 0.05, 20.0  # s: between two orders, and how long they come
READ_EVERY = 0.2  # s: how often shipping reads
LOOK = EVERY / 2  # s: the copies are looked at between two orders


def run_with_copies(make: Callable[[Any], Any], *, at: float = 10.3, seed: int = 0) -> Run:
    """Return the run of an order each 0.05 s for 20 s, sent to `make(sim)`, whose leader is killed
    at `at` (s).

    What `make` returns has `logs`, a list of orders for each copy, `leader`, the number of the one
    that answers, `append(order)`, which returns True for yes, and `kill()`. A `ReplicatedLog` will
    do as well: it is asked with acks=1, and its leader is killed.
    """
    check.function("make", make)
    at = check.number("at", at, low=0, high=UNTIL)
    with Simulation(seed) as sim:
        copies = make(sim)
        copies = _Packaged(copies) if isinstance(copies, ReplicatedLog) else copies
        watch, told = _Watch(copies, sim), dict[Hashable, str]()

        def send(order: str) -> None:
            told[order] = "nothing"
            said = copies.append(order)
            told[order] = "yes" if said else "no"
            watch.note("acknowledged" if said else "refused", copies.leader, 0, order)

        def shop() -> None:
            for number in range(1, int(UNTIL / EVERY)):
                sim.sleep(EVERY)
                sim.spawn(send, f"order-{number}", name="till")

        def kill() -> None:
            dead = copies.leader
            watch.look()
            copies.kill()
            watch.dead(dead)

        sim.spawn(shop, name="shop")
        sim.spawn(watch.look_again_and_again, name="watch", daemon=True)
        sim.call_at(at, kill)
        sim.run(until=UNTIL + 1)
        books = PromiseAnalysis({"till": told}, copies.logs[copies.leader])
        yes, lost = books.acknowledged, len(books.lost)
        totals: dict[str, float] = {"orders": len(told), "told_yes": yes, "lost": lost}
        verdict = (
            f"{format_number(yes)} of {format_count(len(told), 'order')} acknowledged, "
            f"{format_number(lost)} of them lost."
        )
        context = Context(tables={"promises": books})
        charts = ("replicas", "promises")
        return Run(None, seed, watch.trace, UNTIL, totals, verdict, context=context, charts=charts)


def lost_orders(run: Run) -> list[str]:
    """Return the orders of a run whose producer was told "yes" and that the log does not have."""
    check.instance("run", run, Run)
    return list(run.context.tables["promises"].lost)


def run_with_reader(
    scenario: ReplicatedOrders, read: Callable[[Any, int], list[str]], *, seed: int = 0
) -> dict[str, int]:
    """Return what the shipping department got that calls `read(log, offset)` five times per second:
    the orders that it read, those of them that the log does not have at the end, and those that it
    read twice.

    `read` returns the orders from `offset` on. If the log ends before that offset, the reader
    begins again at 0.
    """
    check.instance("scenario", scenario, ReplicatedOrders)
    check.function("read", read)
    with Simulation(seed) as sim:
        shop, shipped = Shop(scenario, sim, Trace()), Counter[str]()

        def reader() -> None:
            offset = 0
            while True:
                sim.sleep(READ_EVERY)
                try:
                    orders = read(shop.log, offset)
                except NotLeader:
                    continue
                except Truncated:
                    offset = 0
                    continue
                shipped.update(orders)
                offset += len(orders)

        sim.spawn(reader, name="shipping", daemon=True)
        sim.run(until=WATCHED)
        kept = {*shop.kept()}
    return {
        "read": len(shipped),
        "in no log": sum(order not in kept for order in shipped),
        "read twice": sum(times > 1 for times in shipped.values()),
    }


class _Packaged:
    """A `ReplicatedLog` with the methods of the classes in the notebook."""

    def __init__(self, log: ReplicatedLog) -> None:
        self.log, self.leader = log, log.leader or 0

    @property
    def logs(self) -> list[list[str]]:
        return [[entry.value for entry in replica.log] for replica in self.log.replicas]

    def append(self, order: str) -> bool:
        try:
            self.log.append(order, acks=1)
        except NotLeader:
            return False
        self.leader = self.log.leader or 0
        return True

    def kill(self) -> None:
        self.log.kill(self.leader)


class _Watch:
    """The records of copies that make none: their ends, as they are found between two orders."""

    def __init__(self, copies: Any, sim: Simulation) -> None:
        self.copies, self.sim, self.trace = copies, sim, Trace()
        self.ends = [0] * len(copies.logs)
        self.least, self.epoch, self.gone = 0, 0, set[int]()
        self.leader = -1  # none has been seen yet
        self.look()

    def note(self, event: str, copy: int, entry: int, name: str = "", detail: object = 0) -> None:
        self.trace.note(
            self.sim.now,
            event,
            "orders",
            entry=entry,
            message_id=name,
            worker=f"replica-{copy}",
            receipt=self.epoch,
            detail=detail,
        )

    def look(self) -> None:
        """Record what has changed since the last look."""
        if self.copies.leader != self.leader:
            self.leader, self.epoch = self.copies.leader, self.epoch + 1
            self.note("elected", self.leader, self.ends[self.leader])
        logs = self.copies.logs
        order = [self.leader, *(n for n in range(len(logs)) if n != self.leader)]
        for copy in order:
            if copy in self.gone:
                continue
            log, end = logs[copy], self.ends[copy]
            if copy == self.leader:
                for offset in range(end, len(log)):
                    self.note("appended", copy, offset, log[offset])
            elif len(log) > end:
                self.note("fetched", copy, len(log), detail=len(log) - end)
            self.ends[copy] = len(log)
        least = min(end for copy, end in enumerate(self.ends) if copy not in self.gone)
        if least > self.least:
            self.least = least
            self.note("committed", self.leader, least)

    def dead(self, copy: int) -> None:
        """Record that this copy has died; its log stays as it was."""
        self.gone.add(copy)
        self.note("killed", copy, 0)
        self.look()

    def look_again_and_again(self) -> None:
        """Look between any two orders."""
        self.sim.sleep(LOOK)
        while True:
            self.look()
            self.sim.sleep(EVERY)
