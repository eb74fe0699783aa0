"""Unit 03's shop at a pace for real time, and its last exercise on a given queue."""

from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import InMemoryMessageQueue, Simulation, ThreadRuntime, Trace
from mqlearn.units.delivery_guarantees.handle import HandleExercise, OnEngine, check_handle
from mqlearn.units.delivery_guarantees.live import LiveCharges


def by_order(order: Any, card: Any, store: Any) -> object:
    """Charge under the order's id: right."""
    return card.charge(order.body["order"], order.body["amount"])


def by_message(order: Any, card: Any, store: Any) -> object:
    """Charge under the message's id, which differs when an order is sent twice: wrong."""
    return card.charge(order.id, order.body["amount"])


class QuickQueue(InMemoryMessageQueue):
    """A queue in memory that may change its clock while it is new, and has a limit of its own: what
    a queue on an engine can do.
    """

    max_retries = 9

    def run_on(self, runtime: Any) -> None:
        self.__init__(visibility_timeout=1.0, runtime=runtime, trace=self.trace, name="orders")  # type: ignore[misc]


def test_the_quick_shop_charges_as_often_as_theory_says() -> None:
    """Its faults are those of the slow shop: a share of crashes and of lost acks, each a charge."""
    run = LiveCharges(crash_rate=0.05, lost_acks=0.05).run(seed=1)
    assert run.totals["sent"] == run.totals["done"] == 200
    assert run.totals["never"] == 0
    crashed = sum(r.event == "finished" and r.detail == "crashed" for r in run.trace.records)
    lost = sum(r.event == "lost_ack" for r in run.trace.records)
    assert run.totals["charges"] == 200 + crashed + lost
    assert abs(run.totals["twice"] - run.theory["charges"][2]) < 15, "three standard deviations"


def test_on_real_threads_the_same_faults_hit_the_same_tries() -> None:
    """A run on threads charges exactly as often as the simulation of the same seed."""
    shop = LiveCharges(crash_rate=0.05, lost_acks=0.05, lease=2.0)
    live, simulated = shop.run(seed=1, runtime=ThreadRuntime()), shop.run(seed=1)
    assert live.totals == simulated.totals
    assert live.until < 60, "its times count from 0"


def test_a_given_queue_is_used_with_a_clock_that_begins_at_zero() -> None:
    """A queue that can change its clock gets one of the run's seed; a queue in memory cannot, and
    says so.
    """
    queue = QuickQueue(visibility_timeout=1.0)
    with pytest.raises(ValueError, match=r"runtime must be that of the queue 'queue', got"):
        LiveCharges().run(runtime=ThreadRuntime(), queue=InMemoryMessageQueue())
    trace = Trace()
    queue = QuickQueue(visibility_timeout=5.0)
    queue.trace = trace
    run = LiveCharges(crash_rate=0.0).run(seed=2, runtime=ThreadRuntime(), queue=queue)
    assert run.trace is trace
    assert run.totals["done"] == 200
    assert max(record.time for record in trace.records) < 60


GRADED: dict[Callable[..., object], str] = {
    by_order: "passed: on QuickQueue, one seed, ",
    by_message: "not yet: seed 15: ",
}


@pytest.mark.parametrize("handle", GRADED)
def test_a_handler_is_graded_on_a_given_queue(handle: Callable[..., object]) -> None:
    """On real threads and another queue, the right key passes and the message's own id does not."""
    queue = QuickQueue(visibility_timeout=1.0)
    queue.trace = Trace()
    assert check_handle(handle, queue=queue).text.startswith(GRADED[handle])


def test_its_seed_has_every_kind_of_fault() -> None:
    """What is shown on an engine is no calm day."""
    world = HandleExercise().play(by_order, 15)
    assert world.run is not None
    seen = [r.detail if r.event == "finished" else r.event for r in world.run.trace.records]
    assert seen.count("crashed") >= 3
    assert seen.count("lost_ack") >= 2
    assert seen.count("lease_lost") >= 5


def test_a_queue_that_cannot_serve_is_refused() -> None:
    """Without a trace, a lease or enough retries there is nothing to grade by."""
    with Simulation() as sim:
        for queue in (
            InMemoryMessageQueue(runtime=sim, trace=Trace()),
            InMemoryMessageQueue(runtime=sim),
        ):
            with pytest.raises(
                ValueError, match=r"queue must have a trace, a lease and at least 9"
            ):
                OnEngine(queue, keyed=True)
    with pytest.raises(TypeError, match=r"queue must be MessageQueue, got 5"):
        check_handle(by_order, queue=5)  # type: ignore[arg-type]
