"""A trace that is frozen while its queues go on, as they do on threads."""

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation, ThreadRuntime, Trace
from mqlearn.runtime.trace import Listener, Record


class Busy:
    """A queue to which something is sent while it is counted: twice, then there is calm."""

    def __init__(self, name: str) -> None:
        self.name, self.sent, self.moves = name, 0, 2

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        assert existing
        self.listener = listener

    def census(self) -> dict[str, int]:
        counted = {"waiting": self.sent}
        if self.moves:
            self.moves -= 1
            self.sent += 1
            self.listener(
                Record(0.0, "sent", self.name, self.sent, f"m{self.sent}", "NORMAL", 1, "", 0, None)
            )
        return counted


def test_books_are_closed_at_one_moment() -> None:
    """The census is of the same moment as the records, though queues move between the two."""
    trace, queues = Trace(), [Busy("a"), Busy("b")]
    for queue in queues:
        trace.watch(queue, lambda close: None)
    trace.freeze()
    assert trace.balance().waiting == len(trace.records) == sum(queue.sent for queue in queues) == 4


def test_a_queue_that_opens_after_the_books_were_closed_is_not_in_them() -> None:
    """Its messages change nothing of what was observed."""
    runtime, trace = ThreadRuntime(), Trace()
    InMemoryMessageQueue(runtime=runtime, trace=trace, name="orders").send(Message("default"))
    trace.freeze()
    late = InMemoryMessageQueue(runtime=runtime, trace=trace, name="late")
    late.send(Message("default"))
    assert late.size() == 1 and trace.balance().waiting == len(trace.records) == 1


def test_an_empty_trace_can_be_frozen() -> None:
    """There is nothing to count."""
    trace = Trace()
    trace.freeze()
    assert trace.records == [] and trace.balance().accepted == 0


def test_what_is_noted_by_hand_is_a_record_like_any_other() -> None:
    """It has the id, priority, attempt and receipt of its delivery; an unknown field is refused."""
    trace = Trace()
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        queue.send(Message(id="order-1"))
        trace.note(1.0, "started", "orders", delivery=queue.receive(timeout=0), worker="w")
    trace.note(2.0, "effect", worker="w", detail="order-1")
    assert trace.records == [
        (1.0, "started", "orders", 0, "order-1", "NORMAL", 1, "w", 1, None),
        (2.0, "effect", "", 0, "", "", 0, "w", 0, "order-1"),
    ]
    with pytest.raises(TypeError, match="sender"):
        trace.note(3.0, "effect", sender="w")
    with pytest.raises(ValueError, match=r"event must be one of .*, got 'charged'"):
        trace.note(3.0, "charged")
    assert len(trace.records) == 2
