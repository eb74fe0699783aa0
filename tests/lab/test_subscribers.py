"""The charts of subscribers: lines can be distinguished at their ends, each subscriber is shown or
counted, no label is cut.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from mqlearn import Message, Simulation, TopicBasedMessageBroker, Trace
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts import Predictions
from mqlearn.lab.charts.outcomes import Outcomes
from mqlearn.lab.charts.overtaking import Overtaking
from mqlearn.lab.charts.subscriber_lag import LINES, SubscriberLag
from mqlearn.lab.charts.subscribers import FEW, MOST
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.study.run import Run
from mqlearn.units.publish_subscribe.scenario import FanOut

NAMES = ("mail", "parcel", "audit", "caterer", "board", "press")


def heard_by(count: int) -> Run:
    """So many subscribers, each slower than the one before, who hear of twenty orders."""
    with Simulation() as sim:
        trace = Trace()
        broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
        for number, name in enumerate(NAMES[:count]):
            broker.subscribe("paid", lambda _, number=number: sim.sleep(0.3 * number), name=name)  # type: ignore[misc]
        for number in range(20):
            broker.publish("paid", Message(id=f"order-{number}"))
            sim.sleep(0.2)
        trace.freeze()
        return Run.of(trace, sim.now)


def drawn(run: Run) -> Dashboard:
    """The charts as the lab shows them."""
    board = Dashboard(FanOut.CHARTS, RIGHT, PICTURE_HEIGHT)
    board.draw(run)
    return board


def chart(board: Dashboard, kind: type[Any]) -> Any:
    """One of them."""
    return next(each for each in board.charts if isinstance(each, kind))


def test_lines_that_end_level_are_told_apart() -> None:
    """Each name has a piece of its line before it, at its height, though the lines are one upon the
    other.
    """
    board = drawn(FanOut(mail_time=0.5, parcel_time=0.5, audit_time=0.5).run(0))
    behind = chart(board, SubscriberLag)
    ends = {line.get_ydata()[-1] for line in behind.lines[:3]}
    assert len(ends) == 1
    for row, name in enumerate(("mail", "parcel", "audit")):
        label = next(label for label in behind.labels if label.text.startswith(name))
        sample = behind.samples[row]
        assert sample.get_color() == LINES[row]["color"] and sample.get_visible()
        assert sample.get_ydata()[0] == pytest.approx(1 - label.y / board.canvas.height)
        assert max(sample.get_xdata()) * board.canvas.width < label.x
    assert not behind.samples[3].get_visible()


@pytest.mark.parametrize("count", [3, 4, 6])
def test_every_subscriber_has_a_bar_or_is_counted(count: int) -> None:
    """Up to four in one picture; of more, and of the points of more than three, it says that some
    are left out.
    """
    board = drawn(heard_by(count))
    outcomes = chart(board, Outcomes)
    assert [name.text for name in outcomes.names if name.text] == list(NAMES[: min(count, MOST)])
    assert [bool(text.text) for text in outcomes.texts] == [row < count for row in range(MOST)]
    bottom = outcomes.box.y + outcomes.box.height
    assert all(name.y + 5 <= bottom for name in outcomes.names if name.text)
    low, _ = outcomes.ax.get_ylim()
    assert low == max(count if count <= MOST else MOST, FEW) - 0.5
    texts = [chart(board, kind).omission.text for kind in (SubscriberLag, Outcomes, Overtaking)]
    assert (
        texts
        == {
            3: ["", "", ""],
            4: ["", "", "3 of 4 shown"],
            6: ["4 of 6 shown", "4 of 6 shown", "3 of 6 shown"],
        }[count]
    )


@pytest.mark.parametrize(
    "run",
    [FanOut(rate=30.0, window=120.0, audit_time=10.0, parcel_time=10.0).run(0), heard_by(6)],
    ids=["thousands", "six"],
)
def test_no_label_leaves_the_picture(run: Run, outside: Callable[[Canvas], list[str]]) -> None:
    """Not even "parcel 3,600" behind its piece of line."""
    assert outside(drawn(run).canvas) == []


def test_a_chart_that_asks_for_no_spare_height_can_stand_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gets the height that it needs."""
    monkeypatch.setattr(Outcomes, "stretch", 0.0)
    board = Dashboard(("outcomes",), RIGHT, PICTURE_HEIGHT)
    board.draw(heard_by(3))
    assert chart(board, Outcomes).box.height == Outcomes.min_height


@pytest.mark.parametrize("prediction", [0.0, 0.3])
def test_who_predicts_nothing_is_not_written_over_the_time(prediction: float) -> None:
    """Two labels are at the foot already: the prediction's goes above them, not below, into the
    axis.
    """
    board = Dashboard(FanOut.CHARTS, RIGHT, PICTURE_HEIGHT)
    board.draw(FanOut().run(0), predictions=Predictions(prediction=prediction))
    behind = chart(board, SubscriberLag)
    foot = behind.marks.height_of(0)
    assert behind.marks.label.text.startswith("you 0") and behind.marks.label.y < foot - 14
    heights = sorted([behind.marks.label.y, *(label.y for label in behind.labels if label.text)])
    assert all(b - a >= 15 - 1e-9 for a, b in pairwise(heights))
