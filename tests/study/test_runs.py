"""What holds on every finished run of every scenario, whatever its settings: its books, Little's
law, its instants.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mqlearn import InMemoryMessageQueue, Simulation, UnbalancedBooks
from mqlearn.runtime.trace import Listener, Record
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.study.theory import little
from mqlearn.units import scenarios
from tests.study.beside import beside
from tests.study.faulty import work
from tests.study.spied_queues import (
    INSTANTS,
    Spied,
    instants,
    look_at_all,
    read,
    spied,
    where_queues_are_made,
)

HERE = ("waiting", "delayed", "in_flight")
# What a total counts in the books; every other total has a unit at the end of its name, or is
# counted beside them.
COUNTED = {
    "sent": ("accepted",),
    "done": ("completed",),
    "dead": ("dead",),
    "expired": ("dead",),
    "refused": ("rejected",),
    "dropped": ("dropped",),
    "redriven": ("redriven",),
    "left": ("waiting", "delayed", "in_flight"),
    "orders": ("accepted", "rejected"),
    "turned_away": ("rejected", "dropped", "dead"),
}


# Read from a log, out of which nothing goes, or no message is sent at all: what holds of their runs
# is in a test file of each unit's own.
WITHOUT_QUEUES = (
    "ReadingTheLog",
    "SharedPartitions",
    "OrderHistory",
    "ReplicatedOrders",
    "EngineChoice",
)


def settings() -> Iterator[Any]:
    """Every scenario of queues with two seeds, and with each of its presets."""
    for name in scenarios():
        if name in WITHOUT_QUEUES:
            continue
        kind = scenarios()[name]
        for seed in range(2):
            yield pytest.param((kind(), seed), id=f"{name}, seed {seed}")
        for title, preset in kind.PRESETS.items():
            yield pytest.param((kind(**preset), 0), id=f"{name}, {title}")


@pytest.fixture(scope="module", params=list(settings()))
def finished(request: pytest.FixtureRequest) -> tuple[Any, int, Run]:
    """A scenario, a seed and its run, made once for all the tests that look at it; the tests come
    in that order.
    """
    scenario, seed = request.param
    return scenario, seed, scenario.run(seed)


def visits(run: Run) -> list[tuple[float, float]]:
    """From when to when (s) each message was there; one that was redriven was there more than
    once.
    """
    came: dict[tuple[str, int], float] = {}
    gone: list[tuple[float, float]] = []
    for time, event, source, entry, *_ in run.trace.records:
        if event in ("sent", "scheduled", "redriven"):
            came[source, entry] = time
        elif event in ("acked", "dead", "expired", "purged", "dropped"):
            gone.append((came.pop((source, entry)), time))
    return gone + [(time, np.inf) for time in came.values()]


def check_little(run: Run, start: float, end: float) -> None:
    """L, integrated over the steps of `depth`, is λ times W, averaged over `visits`, from `start`
    to `end` (s).
    """
    depth = run.depth()
    present = depth[list(HERE)].sum(axis=1).to_numpy()
    edges = np.clip(np.append(depth.index.to_numpy(), end), start, end)
    number = float((present * np.diff(edges)).sum()) / (end - start)
    arrived, left = (np.array(times) for times in zip(*visits(run), strict=True))
    inside = (arrived < end) & (left > start)
    stays = (np.minimum(left, end) - np.maximum(arrived, start))[inside]
    assert inside.any()
    assert number == pytest.approx(inside.sum() / (end - start) * stays.mean(), rel=1e-9, abs=1e-12)
    by_theory = little(zip(arrived, left, strict=True), start, end)
    assert by_theory.number == pytest.approx(number, rel=1e-9) and abs(by_theory.gap) <= 1e-9 * max(
        1.0, number
    )


def check_books(run: Run) -> None:
    """The balance is what a plain count of the records says, and what came is somewhere."""
    books, events = run.trace.balance(), Counter(record.event for record in run.trace.records)
    assert (
        books.accepted
        == events["sent"] + events["scheduled"]
        == (
            books.completed
            + books.dead
            + books.purged
            + books.dropped
            + books.waiting
            + books.delayed
            + books.in_flight
        )
    )
    assert books.completed == events["acked"] and books.rejected == events["rejected"]
    assert books.dead == events["dead"] + events["expired"] - events["redriven"]
    last = run.depth().iloc[-1]
    assert [last[name] for name in (*HERE, "done", "dead")] == [
        books.waiting,
        books.delayed,
        books.in_flight,
        books.completed,
        books.dead,
    ]


def test_littles_law_is_exact(finished: tuple[Any, int, Run]) -> None:
    """Over the whole run and over five windows of it, stable or not, to nine digits."""
    _, seed, run = finished
    check_little(run, 0.0, run.until)
    dice = random.Random(seed)
    for _ in range(5):
        start, end = sorted(dice.uniform(0.0, run.until) for _ in range(2))
        check_little(run, start, end)


def test_totals_are_the_books(finished: tuple[Any, int, Run]) -> None:
    """Each total that counts messages is a line of the balance, which is a count of the records."""
    _, _, run = finished
    check_books(run)
    jobs = run.jobs()
    if not any(record.event == "redriven" for record in run.trace.records):
        assert sorted(zip(jobs["sent"], jobs["settled"].fillna(np.inf), strict=True)) == sorted(
            visits(run)
        )
    books, others = run.trace.balance(), beside(run)
    for name, value in run.totals.items():
        if name in COUNTED:
            assert value == sum(getattr(books, line) for line in COUNTED[name]), name
        elif not name.endswith(("_s", "_min", "_%")):
            assert value == others[name], name


@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        Faults(failure_rate=0.3, poison=0.05),
        Faults(crash_before=0.1, crash_after=0.1, lost_ack=0.1),
        Faults(
            duplicates=0.3, outage=(50.0, 90.0), slow_worker=0.5, slow_factor=3.0, failure_rate=0.1
        ),
    ],
    ids=str,
)
def test_they_hold_whatever_goes_wrong(faults: Faults) -> None:
    """Crashes, lost acks, duplicates, an outage: the law and the books stay exact."""
    run, _ = work(faults, workers=3)
    check_books(run)
    check_little(run, 0.0, run.until)
    check_little(run, run.until / 4, run.until / 2)


def test_an_instant_is_what_was_there(
    finished: tuple[Any, int, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live simulation stopped at 50 instants: the queue's census and the workers' holdings are
    what `run.at` says.
    """
    scenario, seed, calm = finished
    times = instants(
        calm.until, [record.time for record in calm.trace.records], random.Random(seed)
    )
    monkeypatch.setattr(where_queues_are_made(scenario), "InMemoryMessageQueue", Spied)
    spied.clear()
    seen = []
    runs: list[Run] = []
    with Simulation(seed) as sim:
        sim.spawn(lambda: runs.append(scenario.run(seed, runtime=sim)), name="observer")
        for time in times:
            sim.run(until=time)
            seen.append(look_at_all(spied))
        sim.run()
    (run,) = runs
    states = list(zip(times, seen, strict=True))
    acked = [record.time for record in run.trace.records if record.event == "acked"]
    assert (
        len(seen) == INSTANTS
        and len({f"{each}, {bisect_right(acked, time)}" for time, each in states}) > 10
    )
    assert states == [(time, read(run, time)) for time in times]
    # A run that is itself a task ends before the others of its last instant.
    assert [as_outside(r) for r in run.trace.records if r.time < calm.until] == [
        r for r in calm.trace.records if r.time < calm.until
    ]


def as_outside(record: Record) -> Record:
    """The same record, made by no task: here the run is the task `observer`."""
    return record._replace(worker="") if record.worker == "observer" else record


def test_an_entry_that_leaves_in_silence_is_caught(
    finished: tuple[Any, int, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One entry gone and nothing said of it, among a thousand: the books do not close, and no run
    is reported.
    """
    scenario, seed, _ = finished

    class Silent(InMemoryMessageQueue):
        def __init__(self, *args: Any, **options: Any) -> None:
            self.acked: list[int] = []
            super().__init__(*args, **options)

        def listen(self, listener: Listener, *, existing: bool = False) -> None:
            super().listen(lambda record: self.hides(record) or listener(record), existing=existing)

        def hides(self, record: Record) -> bool:
            if record.event == "acked" and record.entry not in self.acked:
                self.acked.append(record.entry)
            return record.event == "acked" and self.acked.index(record.entry) == 99

    monkeypatch.setattr(where_queues_are_made(scenario), "InMemoryMessageQueue", Silent)
    with pytest.raises(UnbalancedBooks, match=r"holds \d+ entries in flight, its records say \d+"):
        scenario.run(seed)


def test_the_steps_of_a_depth_are_in_order(finished: tuple[Any, int, Run]) -> None:
    """Depth is a table of steps: times never go back, and each step moves one entry at most."""
    depth = finished[2].depth()
    assert all(a <= b for a, b in pairwise(depth.index))
    assert depth.diff().abs().sum(axis=1).iloc[1:].isin([1, 2]).all() and (depth >= 0).all(
        axis=None
    )
