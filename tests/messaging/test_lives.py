"""What can happen to one message from `send` to its end, where a promise is easily broken in
silence.
"""

from __future__ import annotations

from random import Random

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessagePriority,
    MessageProcessor,
    MessageStatus,
    RetryPolicy,
    Simulation,
    Trace,
)


def taken(queue: InMemoryMessageQueue) -> Message:
    """The next message, which is there."""
    message = queue.receive(0)
    assert message is not None
    return message


@pytest.mark.parametrize("retry", [None, RetryPolicy()], ids=["at once", "with backoff"])
@pytest.mark.parametrize("ends", ["nack", "lease lost"])
def test_three_retries_are_four_tries(retry: RetryPolicy | None, ends: str) -> None:
    """Dead when the charged failures exceed `max_retries`, whether a worker said so or vanished;
    never by a release.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=5, retry=retry, runtime=sim)
        queue.send(Message(max_retries=3))
        counts = []
        while (delivery := queue.receive(timeout=100)) is not None:
            queue.release(delivery)
            delivery = taken(queue)
            counts.append((delivery.attempt, delivery.retry_count))
            if ends == "nack":
                queue.nack(delivery)
        assert counts == [(2, 0), (4, 1), (6, 2), (8, 3)]
        (letter,) = queue.get_dead_letter_messages()
        assert (letter.retry_count, letter.headers["dead_letter_reason"]) == (
            4,
            "retries exhausted",
        )


def test_an_unknown_type_is_dead_at_once_and_costs_no_retry() -> None:
    """Nobody could ever handle it: one delivery, no failure charged before it, the reason says
    which type.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor("order", lambda message: None)
        queue.send(Message(headers={"type": "ordr"}))
        processor.start_workers(1)
        sim.run()
        assert sim.now == 0
        (letter,) = queue.get_dead_letter_messages()
        assert letter.headers["dead_letter_reason"] == "unroutable: no handler for type 'ordr'"
        assert [record.event for record in trace.records] == [
            "sent",
            "received",
            "started",
            "finished",
            "dead",
        ]


def test_before_means_served_before() -> None:
    """Sorting messages with `<` gives the order in which a queue hands them out."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        for number, priority in enumerate([*MessagePriority, *reversed(MessagePriority)]):
            queue.send(Message(id=f"{number}", priority=priority))
            sim.sleep(1)
        served = queue.receive_many(10)
        assert sorted(Random(1).sample(served, 8)) == served
        assert [message.id for message in served] == ["3", "4", "2", "5", "1", "6", "0", "7"]
        assert not served[0] < served[0]
        with pytest.raises(TypeError):
            assert served[0] < 5


def test_each_status_is_a_state_that_a_reader_can_see() -> None:
    """Every member of the enum is met on the way, each on the object that it speaks of."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        sent = Message(max_retries=1)
        queue.send(sent)
        seen = [sent.status]
        first = taken(queue)
        seen.append(first.status)
        queue.nack(first)
        seen.append(first.status)
        second = taken(queue)
        assert (second.status, first.status, sent.status) == (
            MessageStatus.PROCESSING,
            MessageStatus.FAILED,
            MessageStatus.PENDING,
        )
        queue.nack(second)
        seen.append(queue.get_dead_letter_messages()[0].status)
        queue.redrive()
        third = taken(queue)
        queue.ack(third)
        seen.append(third.status)
        assert set(seen) == set(MessageStatus)


def test_a_delivery_settles_nothing_in_another_queue() -> None:
    """Receipts are counted queue by queue: the first of one is not the first of the other."""
    with Simulation() as sim:
        orders, invoices = (
            InMemoryMessageQueue(runtime=sim, name=name) for name in ("orders", "invoices")
        )
        orders.send(Message(id="order-1"))
        invoices.send(Message(id="invoice-1"))
        order, invoice = taken(orders), taken(invoices)
        assert order.receipt == invoice.receipt
        for call in (invoices.ack, invoices.nack, invoices.release):
            assert not call(order)
        assert not invoices.extend(order, 5)
        assert invoices.ack(invoice) and orders.ack(order)


def test_backoff_from_nothing_stays_nothing() -> None:
    """A base of zero is no wait after any number of failures; others end at their cap, however many
    those are.
    """
    assert [RetryPolicy(base=0, jitter="none").delay(count) for count in (1, 50, 5000)] == [0, 0, 0]
    assert [RetryPolicy(cap=60, jitter="none").delay(count) for count in (1, 3, 5000)] == [1, 4, 60]


def test_a_refused_settle_leaves_the_copy_as_it_was() -> None:
    """An ack that comes too late does not make the late worker's copy look completed."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=5, runtime=sim)
        queue.send(Message())
        late = taken(queue)
        sim.sleep(6)
        assert not queue.ack(late)
        assert late.status is MessageStatus.PROCESSING


def test_headers_are_each_deliverys_own_and_the_body_is_shared() -> None:
    """What a handler writes into the headers is gone with it; the body is the sender's very
    object.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        body = {"total": 1}
        sent = Message(body=body, headers={"type": "order"})
        queue.send(sent)
        sent.headers["type"] = "changed after sending"
        first = taken(queue)
        first.headers["scribble"] = "x"
        queue.nack(first)
        second = taken(queue)
        assert second.headers == {"type": "order"}
        assert second.body is body


def test_what_is_in_flight_comes_back_to_its_old_place_through_a_purge() -> None:
    """A purge throws away those who wait; who was before them stays before all who come later."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
        for name in ("a", "b", "c"):
            queue.send(Message(id=name))
        held = [taken(queue), taken(queue)]
        assert queue.purge() == 1
        for name in ("d", "e"):
            queue.send(Message(id=name))
        held += [taken(queue), taken(queue)]
        for delivery in reversed(held):
            assert queue.release(delivery)
        assert [message.id for message in queue.receive_many(10)] == ["a", "b", "d", "e"]
        assert trace.balance().purged == 1


@pytest.mark.parametrize(
    ("sent", "redriven"), [(None, "1"), ("7", "8"), ("many", "1"), ("²", "1"), ("-1", "1")]
)
def test_a_redrive_loses_nothing_to_a_strange_header(sent: str | None, redriven: str) -> None:
    """A sender may put anything into `redrive_count`; the letter still gets its new life, and the
    books close.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
        queue.send(Message(headers={} if sent is None else {"redrive_count": sent}))
        queue.nack(taken(queue), requeue=False)
        assert queue.redrive() == 1
        assert taken(queue).headers == {"redrive_count": redriven}
        assert trace.balance().redriven == 1


def test_a_full_queue_that_blocks_lets_its_senders_in_as_room_comes() -> None:
    """Ten senders and room for two: nobody is refused, nobody forgotten, and at no time is there
    one too many.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(2, on_full="block", runtime=sim, trace=(trace := Trace()))
        depths: list[int] = []
        queue.listen(lambda record: depths.append(queue.size()))
        senders = [sim.spawn(queue.send, Message(id=f"order-{i}")) for i in range(10)]
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: sim.sleep(1))
        sim.run()
        assert sum(sender.is_alive() for sender in senders) == 8
        processor.start_workers(1)
        sim.run()
        assert (sim.now, trace.balance().completed, max(depths)) == (10, 10, 2)


def test_a_trace_that_joins_later_balances_what_was_there_before() -> None:
    """An entry in each place when it is attached; from then on it is told of everything."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        for name in ("dead", "flying", "waiting"):
            queue.send(Message(id=name))
        queue.send(Message(id="delayed"), delay=20)
        queue.nack(taken(queue), requeue=False)
        flying = taken(queue)
        trace = Trace()
        trace.watch(queue, sim.at_close)
        books = trace.balance()
        assert (books.accepted, books.dead, books.in_flight, books.waiting, books.delayed) == (
            4,
            1,
            1,
            1,
            1,
        )
        queue.ack(flying)
        queue.redrive()
        sim.run()
        books = trace.balance("queue")
        assert (books.completed, books.redriven, books.waiting, sim.now) == (1, 1, 3, 20)
        with pytest.raises(
            ValueError, match="name must be unique within one trace, got 'queue' twice"
        ):
            InMemoryMessageQueue(runtime=sim, trace=trace)


@pytest.mark.parametrize("ends", [True, False])
def test_what_a_lost_lease_made_of_the_work_is_not_counted(ends: bool) -> None:
    """A handler slower than its lease: its ack or nack is refused, and the metrics say what the
    queue says.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=5, runtime=sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor(
            "default", lambda message: (sim.sleep(8 if message.attempt == 1 else 1), ends)[1]
        )
        queue.send(Message(max_retries=1))
        processor.start_workers(2)
        sim.run()
        assert [
            record.event for record in trace.records if record.event in ("stale", "acked", "dead")
        ] == ["acked" if ends else "dead", "stale"]
        assert processor.metrics == {"processed": ends, "failed": not ends, "retried": 0}


def test_thousands_of_leases_end_each_at_its_own_time() -> None:
    """Also of those that were extended again and again, and whose older dates are void."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim, trace=(trace := Trace()))
        ends = {}
        for number in range(1500):
            queue.send(Message(max_retries=0))
            delivery = taken(queue)
            for seconds in (900, 20, 30 + number % 7):
                queue.extend(delivery, seconds)
            ends[number + 1] = 30.0 + number % 7
        sim.run()
        assert {
            record.entry: record.time for record in trace.records if record.event == "dead"
        } == ends
        assert sim.now == 36
