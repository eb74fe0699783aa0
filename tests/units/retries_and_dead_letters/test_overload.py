"""A service with a capacity, and a budget of retries."""

from __future__ import annotations

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation
from mqlearn.units.retries_and_dead_letters.overload import SAVED, Budgeted, RetryBudget, Service


def test_calls_are_answered_one_after_the_other() -> None:
    """Three at one instant, two a second: after 0.5, 1 and, too late for a caller of 1.2 s, 1.5
    s.
    """
    service = Service(2.0, timeout=1.2)
    assert [service.call(0.0) for _ in range(3)] == [(0.5, True), (1.0, True), (1.2, False)]


def test_late_work_is_still_done() -> None:
    """Nobody waits for the third answer any more, and the next call waits for it all the same."""
    service = Service(2.0, timeout=1.2)
    for _ in range(3):
        service.call(0.0)
    assert service.call(1.3) == (pytest.approx(0.7), True)


def test_while_it_hangs_calls_pile_up() -> None:
    """Accepted at 1, 2 and 3 s, answered after the stall's end, each in its turn; before and after
    it all is well.
    """
    service = Service(2.0, timeout=60.0, stall=(1.0, 10.0))
    answered = [now + service.call(now)[0] for now in (0.0, 1.0, 2.0, 3.0, 20.0)]
    assert answered == [0.5, 10.5, 11.0, 11.5, 20.5]


def test_a_budget_earns_and_spends() -> None:
    """Ten first tries pay for one retry; a hundred more for ten, and however many for no more than
    that.
    """
    budget = RetryBudget(0.1)
    assert not budget.spend()
    for _ in range(10):
        budget.earn()
    assert budget.spend() and not budget.spend()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == SAVED


@pytest.mark.parametrize("wait", [False, True])
def test_a_refused_retry_is_dead_or_given_back_unspent(wait: bool) -> None:
    """Its first try is always allowed; its retry finds the budget empty: dead for that reason, or
    later again.
    """
    with Simulation() as sim:
        queue = Budgeted(InMemoryMessageQueue(runtime=sim), RetryBudget(0.0), wait=wait)
        queue.send(Message(id="order-1"))
        first = queue.take(lambda: False)
        assert first is not None and first.retry_count == 0
        queue.nack(first)
        assert (
            queue.take(lambda: queue.get_in_flight_count() == 0 and queue.queue._ready.length == 0)
            is None
        )
        dead = queue.get_dead_letter_messages()
        if wait:
            assert not dead and queue.size() == 1
        else:
            assert (
                dead[0].headers["dead_letter_reason"] == "retry budget spent"
                and dead[0].retry_count == 1
            )
