"""The charts of a shop's day: whole labels, whatever is asked."""

from collections.abc import Callable

import pytest

from mqlearn.lab.canvas import Canvas
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.units.event_sourcing.scenario import OrderHistory


@pytest.mark.parametrize(
    "scenario",
    [
        OrderHistory(),
        OrderHistory(crash_rate=0.3, write="event first"),
        OrderHistory(hour=0.0),
        OrderHistory(arrivals="flights", hour=18.0),
        OrderHistory(arrivals="flights", hour=7.0, snapshot_every=20),
    ],
)
def test_no_label_leaves_the_picture(
    scenario: OrderHistory, outside: Callable[[Canvas], list[str]]
) -> None:
    """Neither a flight's name at the left nor "most 2,352" at the right, with a baseline beneath
    it.
    """
    board = Dashboard(OrderHistory.CHARTS, RIGHT, PICTURE_HEIGHT)
    board.draw(scenario.run(0), OrderHistory(write="outbox").run(0))
    assert outside(board.canvas) == []
