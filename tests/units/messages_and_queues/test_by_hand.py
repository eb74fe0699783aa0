"""A few messages before a queue that a notebook builds, recorded as it is, its losses included."""

from __future__ import annotations

import pytest

from mqlearn import Message, UnbalancedBooks, WorkerCrash
from mqlearn.units.messages_and_queues.by_hand import burst, run_workers
from tests.study.built_queues import Careful, Forgetful


def crashes_once(message: Message) -> None:
    """The worker dies of order-4, the first time."""
    if message.id == "order-4" and message.attempt == 1:
        raise WorkerCrash


def fails(message: Message) -> bool:
    """order-2 can never succeed."""
    return message.id != "order-2"


def orders() -> list[Message]:
    """Six, with two retries each."""
    return [Message(id=f"order-{number}", max_retries=2) for number in range(1, 7)]


def test_what_it_forgets_is_missing_in_the_books() -> None:
    """A crash loses the message: the records say in flight, the queue holds nothing."""
    run = run_workers(crashes_once, orders(), Forgetful())
    with pytest.raises(UnbalancedBooks, match="holds 0 entries in flight, its records say 1"):
        run.trace.balance()
    assert run.until == 30.0
    assert run.totals == {"sent": 6, "done": 5, "lost": 1}
    assert (
        run.verdict
        == "The books do not balance: orders holds 0 entries in flight, its records say 1."
    )


def test_a_failure_without_nack_is_lost_too() -> None:
    """Nobody can tell such a queue that the work failed."""
    assert run_workers(fails, orders(), Forgetful()).totals["lost"] == 1


def test_what_it_remembers_stays_in_flight() -> None:
    """A crash leaves the message in flight, and the books balance."""
    books = run_workers(crashes_once, orders(), Careful()).trace.balance()
    assert (books.completed, books.in_flight, books.dead) == (5, 1, 0)


def test_failures_are_retried_and_buried() -> None:
    """max_retries=2 allows three tries; the nacks and the burial are in the trace."""
    run = run_workers(fails, orders(), Careful())
    events = [
        record.event
        for record in run.trace.records
        if record.message_id == "order-2" and record.event in ("nacked", "dead")
    ]
    assert events == ["nacked", "nacked", "dead"] and run.trace.balance().dead == 1
    assert [
        (t.attempt, t.outcome) for t in run.tries().itertuples() if t.message_id == "order-2"
    ] == [(n, "failed: the handler returned False") for n in (1, 2, 3)]


def test_on_the_packages_queue_a_crash_costs_a_lease() -> None:
    """The same desk without a handmade queue: the settings are the queue's, and order-4 is back
    when its lease ends.
    """
    run = run_workers(crashes_once, orders(), visibility_timeout=10)
    taken = [
        record.time
        for record in run.trace.records
        if record.event == "received" and record.message_id == "order-4"
    ]
    assert taken == [2.0, 12.0] and run.totals["done"] == 6


def test_a_burst_is_sent_before_any_is_taken() -> None:
    """All at one instant, each acked; FIFO here."""
    records = burst(Careful(), 5).trace.records
    assert [r.event for r in records] == ["sent"] * 5 + ["received", "acked"] * 5
    assert [r.message_id for r in records if r.event == "received"] == [
        f"order-{n}" for n in range(1, 6)
    ]
