"""The contract: the trace of a queue balances with what the engine itself counts."""

from __future__ import annotations

from typing import Any

from mqlearn import MessageProcessor, Trace, WorkerCrash
from tests.engines.contract import rule
from tests.engines.site import Site, get, get_ids, is_empty, send_all
from tests.engines.until import until

LEASE = 1.0  # seconds


def book(trace: Trace) -> dict[str, int]:
    """Return the places of the balance that are not empty."""
    balance = trace.balance()
    places = ("accepted", "completed", "dead", "purged", "waiting", "delayed", "in_flight")
    return {place: value for place in places if (value := getattr(balance, place))}


def events(trace: Trace, message_id: str) -> list[str]:
    """Return what happened to a message."""
    return [record.event for record in trace.records if record.message_id == message_id]


@rule("the books balance with the engine's own count")
def test_the_books_balance(site: Site) -> None:
    """Acked, failed, given back, dead, in flight, waiting: after each step the engine counts what
    the records say.
    """
    trace = Trace()
    queue = site.open(retries=2, trace=trace)
    send_all(queue, [site.message(f"order-{number}") for number in range(6)])
    assert book(trace) == {"accepted": 6, "waiting": 6}
    first, second = get(queue), get(queue)
    assert book(trace) == {"accepted": 6, "waiting": 4, "in_flight": 2}
    queue.ack(first)
    queue.nack(second, requeue=False, reason="no stock")
    until(lambda: queue.census()["dead"] == 1, "the dead letter is there")
    third = get(queue)
    queue.nack(third)
    expected = {"accepted": 6, "completed": 1, "dead": 1, "waiting": 4}
    assert book(trace) == expected
    held = get(queue)
    assert book(trace) == expected | {"waiting": 3, "in_flight": 1}
    queue.release(held)
    assert book(trace) == expected
    assert events(trace, first.id) == ["sent", "received", "acked"]
    assert events(trace, second.id) == ["sent", "received", "dead"]
    assert events(trace, third.id)[:3] == ["sent", "received", "nacked"]
    get_ids(queue, 4)
    assert book(trace) == {"accepted": 6, "completed": 5, "dead": 1}


@rule("the books balance after a lost lease and a crash")
def test_the_books_after_a_crash(site: Site) -> None:
    """A worker dies, its lease ends, and the message is done by the next one."""
    trace = Trace()
    queue = site.open(lease=LEASE, trace=trace)
    processor = MessageProcessor(queue, restart_after=0.1)
    crashed: list[str] = []

    def work(message: Any) -> None:
        if message.id == "order-1" and not crashed:
            crashed.append(message.id)
            raise WorkerCrash

    processor.register_processor("default", work)
    send_all(queue, [site.message(f"order-{number}") for number in range(4)])
    processor.start_workers(2)
    done = 4 if site.has("lease") else 3
    until(lambda: processor.metrics["processed"] == done, "all are done")
    processor.stop_workers(60)
    if site.lacks("lease"):
        assert book(trace) == {"accepted": 4, "completed": 3, "in_flight": 1}
        return
    assert book(trace) == {"accepted": 4, "completed": 4}
    moves = [e for e in events(trace, "order-1") if e in ("received", "lease_lost", "acked")]
    assert moves == ["received", "lease_lost", "received", "acked"]


@rule("the books begin with what is there already")
def test_a_trace_comes_later(site: Site) -> None:
    """A trace that is attached to a queue with messages counts them, and balances to the end."""
    if not site.kind.server:
        queue = site.open()
        send_all(queue, [site.message(f"old-{number}") for number in range(3)])
        trace = Trace()
        trace.watch(queue, queue.runtime.at_close)
    else:
        older = site.open()
        send_all(older, [site.message(f"old-{number}") for number in range(3)])
        trace = Trace()
        queue = site.twin(older, trace=trace)
    if site.lacks("exact_size"):
        queue.send(site.message("new"))  # it cannot ask, and counts what it sees
    else:
        assert book(trace) == {"accepted": 3, "waiting": 3}
        queue.send(site.message("new"))
        assert book(trace) == {"accepted": 4, "waiting": 4}
    get_ids(queue, 4)
    assert book(trace) == {"accepted": 4, "completed": 4}
    assert is_empty(queue)


@rule("purge empties this queue, and only this one")
def test_a_purge(site: Site) -> None:
    """It returns how many; what is in flight stays the worker's, and the books say "purged"."""
    trace = Trace()
    queue, other = site.open(trace=trace), site.open()
    send_all(other, [site.message("other")])
    send_all(queue, [site.message(f"order-{number}") for number in range(5)])
    held = get(queue)
    if site.has("delay"):
        queue.send(site.message("later"), delay=30.0)
    waiting = 5 if site.has("delay") else 4
    assert queue.purge() == waiting
    assert book(trace) == {"accepted": waiting + 1, "purged": waiting, "in_flight": 1}
    assert queue.purge() == 0
    assert queue.ack(held) is True
    queue.send(site.message("after"))
    assert get_ids(queue, 1) == ["after"]
    assert is_empty(queue)
    assert get_ids(other, 1) == ["other"]
