"""The order chart: who was taken as the nth, and who was overtaken."""

from typing import Any

import numpy as np

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, Simulation, Trace
from mqlearn.lab.charts.delivery_order import overtaken
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.run import Run

LOW, CRITICAL = MessagePriority.LOW, MessagePriority.CRITICAL


def order_chart(*priorities: MessagePriority) -> tuple[Any, str]:
    """The chart of one message of each priority, sent in this order and then taken one by one, and
    its sentence.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        for number, priority in enumerate(priorities, 1):
            queue.send(Message(id=f"order-{number}", priority=priority))
        while (delivery := queue.receive(timeout=0)) is not None:
            queue.ack(delivery)
        run = Run.of(trace)
    board = Dashboard(["delivery_order"])
    board.draw(run)
    return board.charts[0], board.sentence(run)


def test_each_message_is_a_point_of_its_priority() -> None:
    """Two LOW and a CRITICAL that was sent last: the points say who left first."""
    chart, sentence = order_chart(LOW, LOW, CRITICAL)
    assert chart.points["LOW"].get_xydata().tolist() == [[1, 2], [2, 3]]
    assert chart.points["CRITICAL"].get_xydata().tolist() == [[3, 1]]
    assert sentence == "Order: 3 messages taken, 2 of them after one that was sent later."


def test_first_in_first_out_lies_on_the_line() -> None:
    """Equals leave as they were sent."""
    chart, sentence = order_chart(LOW, LOW, LOW)
    assert chart.points["LOW"].get_xydata().tolist() == [[1, 1], [2, 2], [3, 3]]
    assert sentence.endswith("nobody was overtaken.")


def test_nothing_taken_is_said() -> None:
    """An empty run has a picture and a sentence too."""
    assert order_chart()[1] == "Order: nothing was taken."


def test_overtaken_counts_those_who_left_after_a_later_one() -> None:
    """By hand: the last leaving first is overtaken by none, but overtakes all."""
    assert overtaken(np.array([2.0, 3.0, 4.0, 1.0])) == 3
    assert overtaken(np.array([1.0, 3.0, 2.0])) == 1
    assert overtaken(np.array([5.0])) == overtaken(np.array([])) == 0
