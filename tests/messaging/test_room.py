"""A free place in a full queue goes to the sender that has waited longest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import (
    DeduplicatingQueue,
    InMemoryMessageQueue,
    Message,
    MessageGroupQueue,
    NewestFirstQueue,
    Simulation,
    ThreadRuntime,
    TopicBasedMessageBroker,
    Trace,
)

QUEUES = (InMemoryMessageQueue, DeduplicatingQueue, MessageGroupQueue, NewestFirstQueue)
DEADLINE = 10.0  # seconds of real time, only reached by a test that fails


def ten_senders(send: Callable[[Message], bool], sim: Simulation) -> Counter[int]:
    """Ten senders that each send every 0.5 s, as soon as they get in; what each has sent."""
    sent: Counter[int] = Counter()

    def produce(number: int) -> None:
        while True:
            send(Message(id=f"{number}-{sent[number]}"))
            sent[number] += 1
            sim.sleep(0.5)

    for number in range(10):
        sim.spawn(produce, number, daemon=True)
    return sent


@pytest.mark.parametrize("queue_class", QUEUES)
def test_ten_senders_of_a_full_queue_get_in_in_turn(
    queue_class: type[InMemoryMessageQueue],
) -> None:
    """Constant services of 0.5 s on both sides: at 300 s each has sent as much as the others."""
    with Simulation() as sim:
        queue = queue_class(5, on_full="block", runtime=sim)
        sent = ten_senders(queue.send, sim)

        def consume() -> None:
            while True:
                queue.ack(queue.receive() or "")
                sim.sleep(0.5)

        sim.spawn(consume, daemon=True)
        sim.run(until=300)
        assert sum(sent.values()) == 606 and set(sent.values()) == {60, 61}


def test_ten_publishers_to_a_subscriber_that_blocks_get_in_in_turn() -> None:
    """The same through a broker."""
    with Simulation() as sim:
        broker = TopicBasedMessageBroker(runtime=sim)
        broker.subscribe(
            "orders", lambda message: sim.sleep(0.5), max_size=5, on_full="block", name="mail"
        )
        sent = ten_senders(lambda message: broker.publish("orders", message), sim)
        sim.run(until=300)
        assert max(sent.values()) - min(sent.values()) <= 1 and sum(sent.values()) > 600


def waiting(queue: Any, count: int) -> None:
    """Wait until so many senders wait for room, on real time."""
    runtime = queue.runtime
    pause, deadline = runtime.condition(), runtime.now + DEADLINE
    with pause:
        while len(queue._senders) != count:
            assert runtime.now < deadline, f"{len(queue._senders)} wait, not {count}"
            pause.wait(0.001)


@pytest.mark.parametrize("queue_class", QUEUES)
def test_senders_on_threads_get_in_in_the_order_of_coming(
    queue_class: type[InMemoryMessageQueue],
) -> None:
    """Ten threads wait, one behind the other; each place goes to the first, and a thread that does
    not wait passes none of them.
    """
    runtime, trace = ThreadRuntime(), Trace()
    queue = queue_class(1, on_full="block", runtime=runtime, trace=trace)
    queue.send(Message(id="first"))
    tasks = []
    for number in range(10):
        tasks.append(runtime.spawn(queue.send, Message(id=f"{number}")))
        waiting(queue, number + 1)
    got = []
    for left in range(10, -1, -1):
        delivery = queue.receive(timeout=DEADLINE)
        assert delivery is not None
        got.append(delivery.id)
        if left:
            waiting(queue, left - 1)
        assert queue.send(Message(id="pushes in"), timeout=0) is (left == 0)
    for task in tasks:
        task.join(DEADLINE)
    assert got == ["first", *"0123456789"]
    assert trace.balance().rejected == 10


def test_a_sender_without_patience_takes_no_place_of_those_who_wait(sim: Simulation) -> None:
    """A place is free, and promised: `timeout=0` is refused; a moment later it is not."""
    queue = InMemoryMessageQueue(1, on_full="block", runtime=sim, trace=(trace := Trace()))
    queue.send(Message(id="a"))
    sim.spawn(queue.send, Message(id="b"))
    sim.run()
    assert queue.receive(0) is not None
    assert queue.send(Message(id="c"), timeout=0) is False
    sim.run()
    assert [record.message_id for record in trace.records if record.event == "sent"] == ["a", "b"]


@pytest.mark.parametrize(
    ("first_timeout", "expected"),
    [(2, {"b": (2, False), "c": (3, True)}), (3, {"b": (3, True)})],
)
def test_a_sender_whose_time_is_up_leaves_its_turn_to_the_next(
    sim: Simulation, first_timeout: float, expected: dict[str, tuple[float, bool]]
) -> None:
    """Also at the instant at which there is room: then it has it."""
    queue = InMemoryMessageQueue(1, on_full="block", runtime=sim)
    queue.send(Message(id="a"))
    answers: dict[str, tuple[float, bool]] = {}

    def send(name: str, timeout: float | None) -> None:
        answer = queue.send(Message(id=name), timeout=timeout)
        answers[name] = (sim.now, answer)

    sim.spawn(send, "b", first_timeout)
    sim.spawn(send, "c", None)
    sim.call_at(3, lambda: queue.receive(0))
    sim.run()
    assert answers == expected


def test_an_interrupted_sender_leaves_its_turn_to_the_next() -> None:
    """Closed, or interrupted on a thread: nothing stays of it, and the place goes on."""

    class Interrupting(InMemoryMessageQueue):
        def size(self) -> int:
            if armed and self._runtime.current_task() is tasks[0]:
                raise KeyboardInterrupt
            return super().size()

    armed: list[bool] = []
    runtime, trace = ThreadRuntime(), Trace()
    queue = Interrupting(1, on_full="block", runtime=runtime, trace=trace)
    queue.send(Message(id="a"))
    tasks: list[Any] = []
    for number in range(2):
        tasks.append(runtime.spawn(queue.send, Message(id=f"{number}")))
        waiting(queue, number + 1)
    armed.append(True)
    assert queue.receive(0) is not None
    with pytest.raises(KeyboardInterrupt):
        tasks[0].join(DEADLINE)
    tasks[1].join(DEADLINE)
    delivery = queue.receive(timeout=DEADLINE)
    assert delivery is not None and delivery.id == "1"
    assert not queue._senders and trace.balance().in_flight == 2


def test_room_for_many_lets_as_many_in_at_once(sim: Simulation) -> None:
    """After a purge of three, the three that wait longest are in at the same instant, in order."""
    queue = InMemoryMessageQueue(3, on_full="block", runtime=sim, trace=(trace := Trace()))
    for _ in range(3):
        queue.send(Message(id="old"))
    for number in range(5):
        sim.spawn(queue.send, Message(id=f"{number}"))
    sim.run()
    sim.call_at(7, queue.purge)
    sim.run()
    entered = [(r.time, r.message_id) for r in trace.records if r.event == "sent"][3:]
    assert entered == [(7, "0"), (7, "1"), (7, "2")]


def test_what_a_blocked_sender_does_to_its_message_changes_nothing(sim: Simulation) -> None:
    """The queue has its copy before it waits."""
    queue = InMemoryMessageQueue(1, on_full="block", runtime=sim)
    queue.send(Message(id="a"))
    message = Message(id="b", headers={"type": "order"})
    sim.spawn(queue.send, message)
    sim.run()
    message.id, message.headers["type"] = None, 5  # type: ignore[assignment]
    queue.receive(0)
    got = queue.receive()
    assert got is not None and (got.id, got.headers) == ("b", {"type": "order"})
