"""What goes on in the background of a replicated log, on both clocks, and how it ends."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    NotLeader,
    Producer,
    ReplicatedLog,
    Simulation,
    SimulationError,
    ThreadRuntime,
    Trace,
)
from mqlearn.runtime import scheduler
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.repeating import Repeating
from mqlearn.study.analysis.promises import PromiseAnalysis
from tests.replication.pace import copies, in_step

DEADLINE = 20.0  # seconds: nothing here takes a tenth of it


def wait_until(runtime: Runtime, true: Callable[[], bool]) -> None:
    """Look again and again, with a deadline."""
    deadline = runtime.now + DEADLINE
    while not true():
        assert runtime.now < deadline, "it did not happen in time"
        runtime.sleep(0.005)


def collected(gone: weakref.ref[ReplicatedLog]) -> bool:
    """Collect garbage; True if this was part of it."""
    gc.collect()
    return gone() is None


def test_on_real_threads_a_leader_dies_and_what_was_acknowledged_is_kept() -> None:
    """Three producers in threads of their own; the answers, the log and the books agree."""
    runtime, trace = ThreadRuntime(), Trace()
    with ReplicatedLog(
        "orders",
        min_insync_replicas=2,
        fetch_every=0.01,
        session_timeout=0.2,
        runtime=runtime,
        trace=trace,
    ) as log:
        tills = [Producer(log, f"till-{number}", in_flight=2) for number in range(3)]
        for till in tills:
            for number in range(8):
                till.send(f"{till.name}/{number}")
        wait_until(runtime, lambda: log.high_watermark > 3)
        log.kill(0)
        for till in tills:
            till.send(f"{till.name}/last")
        wait_until(runtime, lambda: not any(till.pending for till in tills))
        assert (log.leader, log.leader_epoch, log.isr) == (1, 2, {1, 2})
        log.restart(0)
        wait_until(runtime, lambda: log.isr == {0, 1, 2})
        promises = PromiseAnalysis({till.name: till.told for till in tills}, log.fetch(0))
        promises.check_records(trace.records)
        assert (promises.acknowledged, promises.lost, promises.twice) == (27, [], [])
        assert promises.overtaken == []
        wait_until(runtime, lambda: len({tuple(copy) for copy in copies(log)}) == 1)
        trace.balance()


def test_a_log_that_is_closed_fetches_and_elects_no_more() -> None:
    """An append that waits is not answered, a later one is refused; on threads, too."""
    for runtime in (Simulation(), ThreadRuntime()):
        log = ReplicatedLog("orders", fetch_every=60.0, runtime=runtime)
        answers: list[object] = []
        task = runtime.spawn(
            lambda log=log, answers=answers: answers.append(log.append("x")), name="till"
        )
        wait_until(runtime, lambda log=log: log.replicas[0].end == 1)
        log.close()
        task.join(DEADLINE)
        assert answers == [None]
        with pytest.raises(NotLeader, match="orders is closed"):
            log.fetch(0)
        log.close()  # again: nothing happens


def test_closing_ends_what_goes_on() -> None:
    """No fetch, no look of the controller, nothing on disk."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=1.0, flush_every=1.0)
        log.append("a", acks=1)
        with log:
            pass
        log.kill(0)
        sim.run(until=60)
        assert copies(log) == [["a"], [], []] and log.leader == 0
        assert log.replicas[0].flushed == 0


def test_a_log_that_is_forgotten_ends_by_itself() -> None:
    """No timer keeps it alive."""
    for runtime in (Simulation(), ThreadRuntime()):
        log = ReplicatedLog("orders", fetch_every=0.01, runtime=runtime)
        gone = weakref.ref(log)
        wait_until(runtime, lambda log=log: log.append("x") == 0)
        del log
        wait_until(runtime, lambda gone=gone: collected(gone))


def test_a_simulation_does_not_go_on_for_it_and_a_cell_that_waits_is_answered() -> None:
    """Its timers are in the background; `append` in a notebook's cell lets time pass."""
    with Simulation() as sim:
        log = ReplicatedLog("orders", runtime=sim)
        sim.run()
        assert sim.now == 0.0
        assert log.append("a") == 0 and 0.1 <= sim.now <= 0.2


def test_a_wait_that_nothing_can_end_is_ended_though_a_log_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its background achieves nothing; but a cell that only lets time pass is not in an endless
    loop.
    """
    monkeypatch.setattr(scheduler, "IDLE_LIMIT", 2000)
    with Simulation() as sim:
        log = ReplicatedLog("orders", runtime=sim)
        sim.sleep(60)
        queue = InMemoryMessageQueue(runtime=sim)
        with pytest.raises(SimulationError, match="2,000 wake-ups in a row achieved nothing"):
            queue.receive()
        assert log.append("a") == 0


def test_a_call_that_fails_does_not_end_the_others() -> None:
    """The error surfaces, and the next call comes in its time."""
    with Simulation() as sim:
        times: list[float] = []

        def call() -> None:
            times.append(sim.now)
            if len(times) == 2:
                raise ZeroDivisionError

        repeating = Repeating(sim, call, lambda: 2.0, first=1.0)
        with pytest.raises(ZeroDivisionError):
            sim.run(until=10)
        sim.run(until=8)
        repeating.cancel()
        sim.run(until=20)
        assert times == [1.0, 3.0, 5.0, 7.0]


def test_the_same_seed_gives_the_same_records_and_another_other_phases() -> None:
    """The first fetches differ by replica, by name and by seed."""

    def first_fetches(seed: int, name: str) -> list[float]:
        trace = Trace()
        with Simulation(seed) as sim:
            log = ReplicatedLog(name, runtime=sim, trace=trace)
            log.append("a")
        return [record.time for record in trace.records if record.event == "fetched"]

    assert first_fetches(1, "orders") == first_fetches(1, "orders")
    drawn = [*first_fetches(1, "orders"), *first_fetches(2, "orders"), *first_fetches(1, "mails")]
    assert len(set(drawn)) == 6
