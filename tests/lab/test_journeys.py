"""The journeys of messages: two lanes where two workers are at one message, one lane otherwise."""

from typing import Any

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, Trace
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.run import Run


def slow_then_quick(first: float) -> Trace:
    """A lease of 5 s; the first of two workers needs `first` seconds, the second is quick."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=5.0, runtime=sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor(
            "default", lambda m: sim.sleep(first if m.attempt == 1 else 1.0)
        )
        queue.send(Message(id="order-1"))
        processor.start_workers(2)
        sim.run()
        return trace


def died_then_quick() -> Trace:
    """A lease of 5 s; the first worker takes the message and is never heard of again."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=5.0, runtime=sim, trace=trace)
        queue.send(Message(id="order-1"))
        sim.spawn(queue.receive, name="worker-0")

        def second() -> None:
            sim.sleep(1.0)
            delivery = queue.receive()
            assert delivery is not None
            sim.sleep(1.0)
            queue.ack(delivery)

        sim.spawn(second, name="worker-1")
        sim.run()
        return trace


@pytest.mark.parametrize(
    ("trace", "lanes", "orphaned"),
    [(slow_then_quick(8.0), 2, 1), (died_then_quick(), 1, 0)],
    ids=["still at work", "dead"],
)
def test_lanes_are_for_two_workers_at_once(trace: Trace, lanes: int, orphaned: int) -> None:
    """A worker that goes on without its lease gets a lane of its own; a dead one does not narrow
    the bars.
    """
    board = Dashboard(["journeys"])
    board.draw(Run.of(trace))
    chart: Any = board.charts[0]
    heights = {round(float(path.vertices[:, 1].mean()), 2) for path in chart.held.get_paths()}
    assert len(heights) == lanes
    assert len(chart.orphaned.get_paths()) == orphaned
