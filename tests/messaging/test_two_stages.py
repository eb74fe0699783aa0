"""Backpressure through two stages: the workers of the first send to the queue of the second, and
wait there while it is full. On both clocks; stopped, closed, interrupted, and in a circle.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from statistics import mean

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    SimulationError,
    ThreadRuntime,
    Trace,
)
from mqlearn.runtime.base import Runtime

DEADLINE = 10.0  # seconds of real time, only reached by a test that fails


class Line:
    """Stage A checks orders and sends them on, stage B charges them; `service(stage, id)` seconds
    each.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        workers: tuple[int, int] = (10, 4),
        room: tuple[int, int] = (50, 50),
        on_full: tuple[str, str] = ("block", "block"),
        service: Callable[[str, str], float] = lambda stage, name: 0.5,
        lease: float | None = None,
    ) -> None:
        self.runtime, self.trace, self.refused = runtime, Trace(), 0
        self.a, self.b = (
            InMemoryMessageQueue(
                size, on_full=full, visibility_timeout=held, runtime=runtime, trace=self.trace,
                name=name,
            )
            for size, full, held, name in zip(
                room, on_full, (lease, None), ("check", "charge"), strict=True
            )
        )  # fmt: skip
        self.check, self.charge = MessageProcessor(self.a), MessageProcessor(self.b)

        def check(message: Message) -> None:
            runtime.sleep(service("a", message.id))
            self.refused += not self.b.send(Message(id=message.id))

        self.check.register_processor("default", check)
        self.charge.register_processor(
            "default", lambda message: runtime.sleep(service("b", message.id))
        )
        for processor, number in zip((self.check, self.charge), workers, strict=True):
            processor.start_workers(number)

    def times(self, event: str, source: str) -> dict[str, float]:
        """When it happened to each message."""
        of_kind = (r for r in self.trace.records if (r.event, r.source) == (event, source))
        return {r.message_id: r.time for r in of_kind}


def overload(**options: object) -> tuple[float, float, int, int]:
    """15 orders a second for 300 s, where A does 20 and B 8, all at random: orders sent per second
    by the producer, seconds that those done in the last minute took, how many wait, and how many
    were refused after the check.
    """
    with Simulation() as sim:

        def service(stage: str, name: str) -> float:
            return -math.log1p(-sim.draw(stage, name)) / 2

        line = Line(sim, service=service, **options)  # type: ignore[arg-type]

        def produce() -> None:
            number = 0
            while True:
                sim.sleep(-math.log1p(-sim.draw("gap", number)) / 15)
                number += 1
                line.a.send(Message(id=f"{number}"))

        sim.spawn(produce, daemon=True)
        sim.run(until=300)
        sent, done = line.times("sent", "check"), line.times("acked", "charge")
        took = mean(time - sent[name] for name, time in done.items() if time > 240)
        return len(sent) / 300, took, line.a.size() + line.b.size(), line.refused


def test_blocking_on_both_queues_slows_the_producer_to_the_slowest_stage() -> None:
    """Little: 100 waiting and 14 in hand / 8 per second are 14 s. Without limits the backlog grows
    by 7 a second; if the middle refuses, orders are checked in vain.
    """
    big = (10**6, 10**6)
    rate, took, waiting, refused = overload(room=big)
    assert rate > 14 and took > 100 and waiting > 1800 and refused == 0
    rate, took, waiting, refused = overload(room=(10**6, 50), on_full=("reject", "reject"))
    assert rate > 14 and refused > 1500
    rate, took, waiting, refused = overload()
    assert 7.8 < rate < 8.8 and 12 < took < 16 and waiting <= 100 and refused == 0
    rate, took, waiting, refused = overload(room=(10, 2), on_full=("reject", "block"))
    assert 7.5 < rate < 8.6 and took < 4 and refused == 0


def test_workers_that_wait_for_room_stop_when_they_have_sent(sim: Simulation) -> None:
    """B needs 10 s an order: A's two workers each wait for room, and end after it."""
    line = Line(
        sim,
        workers=(2, 1),
        room=(9, 1),
        service=lambda stage, name: {"a": 1.0, "b": 10.0}[stage],
    )
    for number in range(6):
        line.a.send(Message(id=f"{number}"))
    sim.run(until=5)
    assert line.a.get_in_flight_count() == 2 and line.b.size() == 1
    line.check.stop_workers()
    assert sim.now == 21 and line.times("acked", "check") == {"0": 1, "1": 1, "2": 11, "3": 21}
    assert [message_id for _, message_id, _, _ in line.a.entries()] == ["4", "5"]


def test_stopping_the_second_stage_first_is_said_by_the_first(sim: Simulation) -> None:
    """They wait for room that no worker will make; a purge lets them go."""
    line = Line(sim, workers=(2, 1), room=(9, 1))
    line.charge.stop_workers()
    for number in range(2):
        line.a.send(Message(id=f"{number}"))
    sim.run(until=5)
    with pytest.raises(TimeoutError, match=r"^still working after 60 s: worker-1$"):
        line.check.stop_workers(timeout=60.0)
    line.b.purge()
    line.check.stop_workers(timeout=60.0)
    assert line.times("acked", "check") == {"0": 0.5, "1": 65}


def test_a_simulation_with_blocked_workers_closes_with_sound_books(sim: Simulation) -> None:
    """What they hold is in flight."""
    line = Line(sim, workers=(3, 1), room=(9, 1))
    for number in range(9):
        line.a.send(Message(id=f"{number}"))
    sim.run(until=1.2)
    assert len(line.b._senders) == 2
    sim.close()
    balance = line.trace.balance("check")
    assert (balance.accepted, balance.in_flight) == (9, 3)


def test_an_interrupt_while_workers_are_blocked_reaches_the_cell(sim: Simulation) -> None:
    """The stop button in the handler of stage B."""

    def service(stage: str, name: str) -> float:
        if stage == "b" and name == "2":
            raise KeyboardInterrupt
        return 0.5

    line = Line(sim, workers=(3, 1), room=(9, 1), service=service)
    for number in range(9):
        line.a.send(Message(id=f"{number}"))
    with pytest.raises(KeyboardInterrupt):
        sim.run()
    balance = line.trace.balance()
    assert balance.in_flight + balance.waiting + balance.completed == balance.accepted
    sim.close()


def circle(runtime: Runtime) -> tuple[MessageProcessor, MessageProcessor]:
    """Two stages that each send twice to the other, with room for one message."""
    a, b = (
        InMemoryMessageQueue(
            1, on_full="block", visibility_timeout=None, runtime=runtime, name=name
        )
        for name in "ab"
    )
    stages = MessageProcessor(a), MessageProcessor(b)
    for stage, other in zip(stages, (b, a), strict=True):

        def handle(message: Message, other: InMemoryMessageQueue = other) -> None:
            other.send(Message(id=message.id + "'"))
            other.send(Message(id=message.id + '"'))

        stage.register_processor("default", handle)
        stage.start_workers(1)
    return stages


def test_stages_that_block_on_each_other_are_named(sim: Simulation) -> None:
    """No event is left that could end the wait of the caller."""
    stage, _ = circle(sim)
    stage.queue.send(Message(id="a"))
    sim.run()
    said = "^nothing is left that could end this wait; tasks: worker-0, worker-0$"
    with pytest.raises(SimulationError, match=said):
        stage.stop_workers()


def test_on_threads_stages_that_block_on_each_other_are_named_by_stop() -> None:
    """And let go when an operator empties the queues."""
    runtime = ThreadRuntime()
    stages = circle(runtime)
    stages[0].queue.send(Message(id="a"))
    stuck = [stage.queue._senders for stage in stages]  # type: ignore[attr-defined]
    while not all(stuck):
        runtime.sleep(0.001)
    for stage in stages:
        with pytest.raises(TimeoutError, match=r"^still working after 0 s: worker-0$"):
            stage.stop_workers(timeout=0)
    while any(worker.is_alive() for stage in stages for worker in stage.workers):
        for stage in stages:
            stage.queue.purge()  # type: ignore[attr-defined]
        runtime.sleep(0.001)


def test_on_threads_two_stages_that_block_do_every_order_once() -> None:
    """Room for two in the middle, and never more than that."""
    runtime, peak = ThreadRuntime(), 0
    line = Line(
        runtime, workers=(4, 2), room=(5, 2), service=lambda stage, name: 0.001 * (stage == "b")
    )

    def watch(record: object) -> None:
        nonlocal peak
        peak = max(peak, line.b.size())

    line.b.listen(watch)
    for number in range(200):
        assert line.a.send(Message(id=f"{number}"), timeout=DEADLINE)
    while line.a.size() or line.a.get_in_flight_count():
        runtime.sleep(0.001)
    line.check.stop_workers(timeout=DEADLINE)
    while line.b.size() or line.b.get_in_flight_count():
        runtime.sleep(0.001)
    line.charge.stop_workers(timeout=DEADLINE)
    done = Counter(r.message_id for r in line.trace.records if r.event == "acked")
    assert len(done) == 200 and set(done.values()) == {2} and peak == 2


@pytest.mark.parametrize(("lease", "twice"), [(30.0, 10), (120.0, 0), (None, 0)])
def test_a_lease_goes_on_while_its_worker_is_blocked(lease: float | None, twice: int) -> None:
    """B stands still for 90 s: with a lease of 30 s the orders in A's hands are checked twice, and
    the acks of the first checks are refused.
    """
    with Simulation() as sim:

        def service(stage: str, name: str) -> float:
            return 150.0 - sim.now if stage == "b" and 60 < sim.now < 150 else 0.5

        line = Line(sim, service=service, lease=lease)

        def produce() -> None:
            for number in range(1500):
                line.a.send(Message(id=f"{number}"))
                sim.sleep(1 / 6)

        sim.spawn(produce, daemon=True)
        sim.run(until=300)
        checks = Counter(
            r.message_id for r in line.trace.records if (r.event, r.source) == ("started", "check")
        )
        stale = [r for r in line.trace.records if r.event == "stale"]
        assert sum(times > 1 for times in checks.values()) == len(stale) == twice
