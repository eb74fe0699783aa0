"""Code that a queue is given: it is asked first, its answer is checked, and a change is whole or
not made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from greenlet import GreenletExit

from mqlearn import (
    DeduplicatingQueue,
    InMemoryMessageQueue,
    Message,
    MessageGroupQueue,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    Trace,
)

QUEUES = (InMemoryMessageQueue, DeduplicatingQueue, MessageGroupQueue)


class Policy(RetryPolicy):
    """A policy that answers, at the third failure, whatever it is given."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        super().__init__(base=1, factor=1, jitter="none")
        object.__setattr__(self, "answer", answer)

    def delay(self, retry_count: int, draw: float = 0.5) -> float:
        return self.answer() if retry_count == 3 else super().delay(retry_count, draw)


def raiser(error: BaseException) -> Callable[..., Any]:
    """A function that raises this."""

    def function(*_: Any) -> Any:
        raise error

    return function


ANSWERS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "KeyError": (raiser(KeyError("third")), KeyError, "'third'"),
    "None": (lambda: None, TypeError, "Policy.delay() must be a number, got None"),
    "nan": (lambda: float("nan"), ValueError, "Policy.delay() must be finite, got nan"),
    "inf": (lambda: float("inf"), ValueError, "Policy.delay() must be finite, got inf"),
    "-1": (lambda: -1, ValueError, "Policy.delay() must not be negative, got -1"),
    "text": (lambda: "5", TypeError, "Policy.delay() must be a number, got '5'"),
    "True": (lambda: True, TypeError, "Policy.delay() must be a number, got True"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_retry_policy_without_an_answer_is_replaced_by_the_default_this_once(
    queue_class: type[InMemoryMessageQueue], name: str
) -> None:
    """The third failure waits as `RetryPolicy()` says, is recorded, and `run()` raises what went
    wrong; the message dies in the end as any other.
    """
    answer, error, text = ANSWERS[name]
    sim, trace = Simulation(seed=3), Trace()
    queue = queue_class(retry=Policy(answer), runtime=sim, trace=trace)
    queue.send(Message(id="order-1"))
    for _ in range(4):
        delivery = queue.receive()
        assert delivery is not None and queue.nack(delivery, reason="no answer")
    default = RetryPolicy().delay(3, sim.draw("backoff", "queue", "order-1", 3))
    waits = [record.detail for record in trace.records if record.event == "delayed"]
    assert waits == [1, 1, default]
    assert queue.census() == {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 1}
    with pytest.raises(error) as caught:
        sim.run()
    assert str(caught.value) == text
    assert trace.balance().dead == 1
    sim.close()


def test_a_retry_policy_without_an_answer_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that settles goes on; its `join` raises what the policy raised."""
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(retry=Policy(raiser(KeyError("third"))), runtime=runtime)
    queue.send(Message(id="order-1", retry_count=2))
    done: list[bool] = []

    def settle() -> None:
        delivery = queue.receive()
        assert delivery is not None
        done.append(queue.nack(delivery))

    task = runtime.spawn(settle)
    with pytest.raises(KeyError, match="third"):
        task.join(10)
    assert done == [True]
    assert queue.census() == {"waiting": 0, "delayed": 1, "in flight": 0, "dead": 0}


def test_numbers_of_numpy_are_an_answer(sim: Simulation) -> None:
    """A wait of np.float32 is a wait, and the clock stays Python's own."""
    trace = Trace()
    queue = InMemoryMessageQueue(retry=Policy(lambda: np.float32(2.5)), runtime=sim, trace=trace)
    queue.send(Message(retry_count=2))
    queue.nack(queue.receive() or "")
    assert queue.receive() is not None
    assert sim.now == 2.5 and type(sim.now) is float
    assert type(trace.records[2].detail) is float


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GreenletExit()])
def test_an_interrupted_retry_policy_changes_nothing(sim: Simulation, error: BaseException) -> None:
    """The delivery is still in flight, and may be settled."""
    queue = InMemoryMessageQueue(retry=Policy(raiser(error)), runtime=sim, trace=Trace())
    queue.send(Message(retry_count=2))
    delivery = queue.receive()
    assert delivery is not None
    with pytest.raises(type(error)):
        queue.nack(delivery)
    assert queue.is_current(delivery) and queue.ack(delivery)


def test_a_retry_policy_that_settles_the_delivery_itself(sim: Simulation) -> None:
    """What it did holds; the nack that asked it comes too late."""
    trace = Trace()
    queue = InMemoryMessageQueue(
        retry=Policy(lambda: queue.ack(held[0]) and 5.0), runtime=sim, trace=trace
    )
    queue.send(Message(retry_count=2))
    held = [queue.receive() or Message()]
    assert queue.nack(held[0]) is False
    assert trace.balance().completed == 1


# Functions of a message.


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (raiser(KeyError("customer")), KeyError),
        (lambda message: None, TypeError),
        (lambda message: 5, TypeError),
        (lambda message: pd.DataFrame({"a": [1]}), TypeError),
    ],
)
@pytest.mark.parametrize("parameter", ["group", "dedup_key"])
def test_a_function_of_a_message_that_fails_at_send_changes_nothing(
    sim: Simulation, parameter: str, answer: Callable[..., Any], error: type[Exception]
) -> None:
    """The sender hears of it, nothing is kept or recorded, and the message may be sent again."""
    answers: list[Callable[..., Any]] = [lambda message: "x", answer]

    def asked(message: Message) -> Any:
        return answers.pop()(message)

    make: Any = MessageGroupQueue if parameter == "group" else DeduplicatingQueue
    trace = Trace()
    queue = make(1, runtime=sim, trace=trace, **{parameter: asked})
    with pytest.raises(error):
        queue.send(Message(id="order-1"))
    assert trace.records == [] and queue.size() == 0
    assert queue.send(Message(id="order-1")) is True
    assert queue.size() == 1


def test_a_group_is_asked_once_for_each_message(sim: Simulation) -> None:
    """A function that would answer otherwise later, or raise, is not asked again: not at the end of
    a delay, not after a failure, not when it is redriven.
    """
    asked: list[str] = []

    def group(message: Message) -> str:
        asked.append(message.id)
        if asked.count(message.id) > 1:
            raise KeyError("asked again")
        return "customer"

    trace = Trace()
    queue = MessageGroupQueue(group=group, runtime=sim, trace=trace)
    queue.send(Message(id="a", max_retries=1), delay=1)
    queue.send(Message(id="b"), delay=2)
    for _ in range(2):
        queue.nack(queue.receive() or "")
    sim.sleep(1)
    queue.redrive()
    second = queue.receive()
    assert second is not None and second.id == "b" and queue.receive(0) is None
    assert queue.ack(second)
    again = queue.receive()
    assert again is not None and again.id == "a" and queue.ack(again)
    assert asked == ["a", "b"]
    assert trace.balance().completed == 2


@pytest.mark.parametrize("call", ["redrive", "discard_dead_letters"])
@pytest.mark.parametrize(
    ("select", "error"),
    [
        (raiser(KeyError("price")), KeyError),
        (lambda letter: pd.DataFrame({"a": [1]}) if letter.id == "2" else True, ValueError),
        (raiser(KeyboardInterrupt()), KeyboardInterrupt),
    ],
)
def test_a_selection_that_fails_moves_no_dead_letter(
    sim: Simulation, call: str, select: Callable[..., Any], error: type[BaseException]
) -> None:
    """Also if it has chosen some already."""
    queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
    for number in range(4):
        queue.send(Message(id=f"{number}"))
        queue.nack(queue.receive() or "", requeue=False)
    before = list(trace.records)
    with pytest.raises(error):
        getattr(queue, call)(select)
    assert trace.records == before
    assert [letter.id for letter in queue.get_dead_letter_messages()] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("inner", ["redrive", "discard_dead_letters"])
@pytest.mark.parametrize("call", ["redrive", "discard_dead_letters"])
def test_a_selection_may_use_the_queue(sim: Simulation, call: str, inner: str) -> None:
    """What it has moved itself is no longer dead, and is moved once."""
    queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
    for number in range(4):
        queue.send(Message(id=f"{number}"))
        queue.nack(queue.receive() or "", requeue=False)

    def select(letter: Message) -> bool:
        if letter.id == "1":
            getattr(queue, inner)(limit=1)
        return True

    assert getattr(queue, call)(select) == 3
    books = trace.balance()
    assert books.redriven + books.discarded == 4 and books.dead == 0
    assert books.redriven == books.waiting == [call, *[call] * 2, inner].count("redrive")


def test_a_message_that_cannot_be_copied_keeps_its_place(sim: Simulation) -> None:
    """A class of one's own: what it raises reaches the receiver, and the message still waits."""
    ready: list[bool] = [True]

    class Order(Message):
        def copy(self) -> Message:
            if not ready:
                raise RuntimeError("no copy")
            return super().copy()

    queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim, trace=(trace := Trace()))
    for name in "ab":
        queue.send(Order(id=name))
    held = queue.receive()
    ready.clear()
    with pytest.raises(RuntimeError, match="no copy"):
        queue.receive()
    assert trace.balance().waiting == 1
    ready.append(True)
    again = queue.receive()
    assert again is not None and again.id == "b" and held is not None and held.id == "a"


def test_what_a_batch_has_taken_is_given_back_if_the_next_cannot_be_received(
    sim: Simulation,
) -> None:
    """Nothing stays in flight that no caller has."""

    class Order(Message):
        def copy(self) -> Message:
            if self.timestamp is not None and self.id == "c":
                raise RuntimeError("no copy")
            return super().copy()

    queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim, trace=(trace := Trace()))
    for name in "abc":
        queue.send(Order(id=name))
    with pytest.raises(RuntimeError, match="no copy"):
        queue.receive_many(3)
    assert trace.balance().waiting == 3
    assert [m.id for m in queue.receive_many(2)] == ["a", "b"]
