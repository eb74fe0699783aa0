"""What a queue promises, on the simulation's clock."""

from __future__ import annotations

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessagePriority,
    RetryPolicy,
    Simulation,
    Trace,
    UnbalancedBooks,
)


def ids(queue: InMemoryMessageQueue) -> list[str]:
    """Take everything that is there."""
    return [message.id for message in queue.receive_many(10_000, timeout=0)]


def test_the_highest_priority_goes_first_and_equals_in_the_order_of_sending() -> None:
    """Critical before low, first in first out within one, at equal times too."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        for number, priority in enumerate([MessagePriority.LOW, MessagePriority.CRITICAL] * 10):
            queue.send(Message(id=f"{number}", priority=priority))
        assert ids(queue) == [f"{n}" for n in [*range(1, 20, 2), *range(0, 20, 2)]]


def test_a_poll_of_an_empty_queue_answers_at_once() -> None:
    """A timeout of zero is a look, not an error and not a wait."""
    with Simulation() as sim:
        assert InMemoryMessageQueue(runtime=sim).receive(timeout=0) is None
        assert sim.now == 0


def test_many_expired_messages_cost_one_timeout() -> None:
    """1,500 expired messages at the head are buried with their reason, and the wait is not begun
    anew.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        for _ in range(1500):
            queue.send(Message(ttl=1))
        sim.sleep(5)
        assert queue.receive(timeout=2) is None
        assert sim.now == 7
        assert {m.headers["dead_letter_reason"] for m in queue.get_dead_letter_messages()} == {
            "expired"
        }
        assert len(queue.get_dead_letter_messages()) == 1500


def test_a_lost_lease_returns_the_message_and_refuses_the_late_ack() -> None:
    """The message comes back at the very end of its lease, charged, to its old place."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim, trace=trace)
        queue.send(Message(id="order-1"))
        late = queue.receive()
        again = queue.receive()
        assert late is not None and again is not None
        assert sim.now == 10
        assert (again.id, again.attempt, again.retry_count) == ("order-1", 2, 1)
        assert not queue.ack(late)
        assert queue.ack(again)
        assert not queue.ack(again)
        assert trace.balance().completed == 1


def test_a_nack_without_a_policy_keeps_the_order_and_is_bounded() -> None:
    """Four charged failures kill a message of three retries; until then it is first in line."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        queue.send(Message(id="a"))
        queue.send(Message(id="b"))
        for _ in range(4):
            delivery = queue.receive(timeout=0)
            assert delivery is not None and delivery.id == "a"
            assert queue.nack(delivery, reason="card service down")
        letter = queue.get_dead_letter_messages()[0]
        assert letter.headers["dead_letter_reason"] == "retries exhausted"
        assert letter.headers["dead_letter_error"] == "card service down"
        assert ids(queue) == ["b"]


def test_a_policy_delays_the_retry_to_its_own_instant() -> None:
    """Backoff of 1, 2 and 4 s: the tries are at 0, 1, 3 and 7 s."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, retry=RetryPolicy(base=1, jitter="none"))
        queue.send(Message())
        times = []
        for _ in range(4):
            delivery = queue.receive()
            assert delivery is not None
            times.append(sim.now)
            queue.nack(delivery)
        assert times == [0, 1, 3, 7]
        assert len(queue.get_dead_letter_messages()) == 1


def test_the_reason_of_a_dead_letter_is_the_true_one() -> None:
    """A rejected message says so, or says its handler's own text."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        for reason in (None, "no such customer"):
            queue.send(Message())
            delivery = queue.receive()
            assert delivery is not None
            queue.nack(delivery, requeue=False, reason=reason)
        assert [m.headers["dead_letter_reason"] for m in queue.get_dead_letter_messages()] == [
            "rejected",
            "no such customer",
        ]


def test_a_full_queue_refuses_blocks_or_drops_as_told_and_says_so() -> None:
    """Every refusal and every drop is in the books."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(1, runtime=sim, trace=trace, name="reject")
        assert queue.send(Message()) and not queue.send(Message())
        dropping = InMemoryMessageQueue(
            1, on_full="drop_oldest", runtime=sim, trace=trace, name="drop"
        )
        assert dropping.send(Message(id="old")) and dropping.send(Message(id="new"))
        blocking = InMemoryMessageQueue(1, on_full="block", runtime=sim, trace=trace, name="block")
        assert blocking.send(Message()) and not blocking.send(Message(), timeout=3)
        assert sim.now == 3
        assert (
            trace.balance("reject").rejected
            == trace.balance("drop").dropped
            == trace.balance("block").rejected
            == 1
        )
        assert ids(dropping) == ["new"]


def test_release_extend_redrive_and_purge_keep_the_books() -> None:
    """Given back unspent, renewed, given a new life, thrown away: each is counted where it
    belongs.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim, trace=trace)
        queue.send(Message(id="a"))
        first = queue.receive()
        assert first is not None and queue.release(first, delay=5)
        second = queue.receive()
        assert second is not None and (sim.now, second.retry_count, second.attempt) == (5, 0, 2)
        assert queue.extend(second, 100)
        sim.run(until=100)
        assert queue.nack(second, requeue=False)
        assert queue.redrive() == 1
        queue.send(Message(id="b"), delay=50)
        assert queue.purge() == 2
        books = trace.balance()
        assert (books.accepted, books.purged, books.redriven, books.dead) == (2, 2, 1, 0)


def test_a_queue_that_drops_an_entry_without_a_word_is_caught() -> None:
    """The books compare the queue's own structures with its records."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        queue.send(Message())
        queue._ready.pop()
        with pytest.raises(UnbalancedBooks, match="holds 0 entries waiting"):
            trace.balance()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_size": 0}, "max_size must be at least 1, got 0"),
        ({"visibility_timeout": -1}, "visibility_timeout must be positive, got -1"),
        ({"on_full": "explode"}, "on_full must be one of"),
        ({"max_size": "ten"}, "max_size must be a whole number, got 'ten'"),
    ],
)
def test_bad_settings_are_refused_by_name_rule_and_value(
    settings: dict[str, object], error: str
) -> None:
    """Parameter, rule and value are in the message."""
    with pytest.raises((TypeError, ValueError), match=error):
        InMemoryMessageQueue(**settings)  # type: ignore[arg-type]
