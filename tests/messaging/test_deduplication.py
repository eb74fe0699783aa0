"""The confirm that never came: a message that is sent again is in the queue once."""

from __future__ import annotations

from itertools import count

import pytest

from mqlearn import DeduplicatingQueue, InMemoryMessageQueue, Message, Simulation, Trace
from mqlearn.study.faults import happens
from tests.messaging.walk import walk


def send_until_confirmed(
    sim: Simulation, queue: InMemoryMessageQueue, message: Message, lost: float
) -> int:
    """Send again every five seconds until a confirm arrives; how often it was sent."""
    for attempt in count(1):
        taken = queue.send(message)
        if taken and not happens(sim, lost, "lost confirm", message.id, attempt):
            return attempt
        sim.sleep(5.0)
    raise AssertionError


def test_a_producer_without_confirm_sends_again_and_the_message_is_in_once() -> None:
    """Half of the confirms get lost: a plain queue holds the copies, this one holds each order, and
    counts the rest.
    """
    held = {}
    for make in (InMemoryMessageQueue, DeduplicatingQueue):
        with Simulation(1) as sim:
            trace = Trace()
            queue = make(runtime=sim, trace=trace)
            sends = sum(
                send_until_confirmed(sim, queue, Message(id=f"order-{n}"), 0.5) for n in range(100)
            )
            books = trace.balance()
            held[make.__name__] = (queue.size(), books.accepted, books.deduplicated, sends)
    sends = held["DeduplicatingQueue"][3]
    assert sends > 150
    assert held == {
        "InMemoryMessageQueue": (sends, sends, 0, sends),
        "DeduplicatingQueue": (100, 100, sends - 100, sends),
    }


def test_a_duplicate_is_thrown_away_also_when_the_first_is_done_dead_or_purged() -> None:
    """What was taken was taken, whatever became of it: only time makes the key unknown again."""
    with Simulation() as sim:
        queue = DeduplicatingQueue(runtime=sim, dedup_window=60.0)
        for name in ("done", "dead", "purged"):
            queue.send(Message(id=name))
        queue.ack(queue.receive(0) or "")
        queue.nack(queue.receive(0) or "", requeue=False)
        queue.purge()
        sim.run(until=59.0)
        assert [queue.send(Message(id=name)) for name in ("done", "dead", "purged")] == [True] * 3
        assert queue.size() == 0


def test_the_window_is_counted_from_the_send_that_was_accepted() -> None:
    """A duplicate does not make it longer; at its end the key is unknown, and forgotten."""
    with Simulation() as sim:
        queue = DeduplicatingQueue(runtime=sim, dedup_window=60.0)
        sizes = []
        for at in (0.0, 40.0, 59.9, 60.0, 119.9, 120.0):
            sim.run(until=at)
            queue.send(Message(id="order-1"))
            sizes.append(queue.size())
        assert sizes == [1, 1, 1, 2, 2, 3]
        for number in range(1000):
            sim.run(until=200.0 + number)
            queue.send(Message(id=f"m-{number}"))
        assert len(queue._accepted) == 60


def test_what_was_refused_may_come_again() -> None:
    """A full queue took nothing, so nothing is known: once there is room, the same message gets
    in.
    """
    with Simulation() as sim:
        queue = DeduplicatingQueue(1, runtime=sim)
        queue.send(Message(id="first"))
        assert [queue.send(Message(id="second")), queue.send(Message(id="first"))] == [False, True]
        queue.receive(0)
        assert [queue.send(Message(id="second")), queue.size()] == [True, 1]


def test_a_second_send_while_the_first_waits_for_room_is_refused_not_doubled() -> None:
    """Nobody knows yet whether the first will get in, so neither True nor a second copy would be
    right.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = DeduplicatingQueue(1, on_full="block", runtime=sim, trace=trace)
        queue.send(Message(id="first"))
        answers = {}

        def producer(name: str, at: float, timeout: float) -> None:
            sim.sleep(at)
            answers[name] = queue.send(Message(id="second"), timeout=timeout)

        for name, at, timeout in (
            ("gives up", 0.0, 5.0),
            ("meanwhile", 1.0, 5.0),
            ("gets in", 6.0, 5.0),
            ("afterwards", 9.0, 5.0),
        ):
            sim.spawn(producer, name, at, timeout)
        sim.run(until=8.0)
        queue.receive(0)
        sim.run(until=20.0)
        assert answers == {
            "gives up": False,
            "meanwhile": False,
            "gets in": True,
            "afterwards": True,
        }
        assert (
            trace.balance().accepted,
            trace.balance().rejected,
            trace.balance().deduplicated,
        ) == (2, 2, 1)


def test_room_for_two_lets_a_message_that_waits_twice_in_once() -> None:
    """Both sends of it wait for room when room for both comes: one is in, and the other was told
    that it is not.
    """
    with Simulation() as sim:
        queue = DeduplicatingQueue(2, on_full="block", visibility_timeout=None, runtime=sim)
        for name in ("a", "b"):
            queue.send(Message(id=name))
        answers: list[bool] = []
        for _ in range(2):
            sim.spawn(lambda: answers.append(queue.send(Message(id="twice"), timeout=60.0)))
        sim.run(until=5.0)
        queue.receive_many(2)
        sim.run(until=90.0)
        assert (answers, queue.size()) == ([False, True], 1)


def test_a_key_of_its_own_knows_the_order_under_another_id() -> None:
    """By message id two copies get in, by business key one; a key that is no text is refused."""
    with Simulation() as sim:
        by_id = DeduplicatingQueue(runtime=sim)
        by_order = DeduplicatingQueue(runtime=sim, dedup_key=lambda message: message.body["order"])
        for queue in (by_id, by_order):
            for message_id in ("a", "b"):
                queue.send(Message(id=message_id, body={"order": "order-1"}))
        assert (by_id.size(), by_order.size()) == (2, 1)
        with pytest.raises(TypeError, match="dedup_key must be str, got 7"):
            by_order.send(Message(body={"order": 7}))


def test_it_keeps_out_no_redelivery() -> None:
    """A message that comes back after a lost lease is delivered again: that is for an idempotent
    handler to see.
    """
    with Simulation() as sim:
        queue = DeduplicatingQueue(runtime=sim, visibility_timeout=5.0)
        queue.send(Message(id="order-1"))
        queue.receive(0)
        sim.run(until=6.0)
        again = queue.receive(0)
        assert again is not None and (again.id, again.attempt) == ("order-1", 2)


def test_with_keys_that_never_repeat_it_is_the_queue_it_is_built_on() -> None:
    """Sixty random walks agree with the model of a queue."""
    keys = count()
    for seed in range(60):
        walk(
            seed,
            lambda *args, **options: DeduplicatingQueue(
                *args, dedup_key=lambda message: str(next(keys)), **options
            ),
        )


class RemembersTheRefused(DeduplicatingQueue):
    """Knows a message that it did not take."""

    def send(self, message: Message, **options: float | None) -> bool:  # type: ignore[override]
        taken = super().send(message, **options)  # type: ignore[arg-type]
        self._accepted.setdefault(message.id, self._runtime.now + self.dedup_window)
        return taken


class SlidesItsWindow(DeduplicatingQueue):
    """Counts the window from the last copy."""

    def send(self, message: Message, **options: float | None) -> bool:  # type: ignore[override]
        taken = super().send(message, **options)  # type: ignore[arg-type]
        self._accepted[message.id] = self._runtime.now + self.dedup_window
        return taken


class ForgetsNothing(DeduplicatingQueue):
    """Keeps every key."""

    def _drop_old_keys(self) -> None:
        pass


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        (RemembersTheRefused, test_what_was_refused_may_come_again),
        (SlidesItsWindow, test_the_window_is_counted_from_the_send_that_was_accepted),
        (ForgetsNothing, test_the_window_is_counted_from_the_send_that_was_accepted),
        (
            InMemoryMessageQueue,
            test_a_second_send_while_the_first_waits_for_room_is_refused_not_doubled,
        ),
    ],
)
def test_a_broken_queue_is_caught(
    mutant: type[InMemoryMessageQueue], promise: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue that breaks a promise fails the test that holds it."""

    def make(*args: object, dedup_window: float = 300.0, **options: object) -> InMemoryMessageQueue:
        own = {} if mutant is InMemoryMessageQueue else {"dedup_window": dedup_window}
        return mutant(*args, **own, **options)  # type: ignore[arg-type]

    monkeypatch.setitem(globals(), "DeduplicatingQueue", make)
    with pytest.raises(AssertionError):
        promise()  # type: ignore[operator]
