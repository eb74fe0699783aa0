"""Effects on the journeys of messages, and orders by their number of charges."""

from typing import Any

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, Trace, WorkerCrash
from mqlearn.lab.charts import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.card import EffectLedger
from mqlearn.study.run import Run
from mqlearn.units.delivery_guarantees.scenario import CardCharges

ORDERS = ("order-1", "order-2", "order-3", "order-2/2")


def handled(charge: Any) -> Run:
    """Four messages for three orders, two workers, a lease of 5 s; `charge(sim, ledger, message)`
    is the work.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=5.0, runtime=sim, trace=trace)
        ledger = EffectLedger(sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: charge(sim, ledger, message))
        for name in ORDERS:
            queue.send(Message(id=name, max_retries=1))
        processor.start_workers(2)
        sim.run()
        return Run.of(trace)


def rough(sim: Simulation, ledger: EffectLedger, message: Message) -> None:
    """Two seconds of work, 6 s for order-1 the first time; order-3 kills its workers before the
    charge.
    """
    sim.sleep(6.0 if message.id == "order-1" and message.attempt == 1 else 2.0)
    if message.id == "order-3":
        raise WorkerCrash
    ledger.record(message.id.partition("/")[0])


@pytest.fixture(scope="module")
def run() -> Run:
    """Order-1 is charged by two workers, order-2 by two messages, order-3 never."""
    return handled(rough)


def chart(run: Any, name: str, marks: Predictions | None = None) -> Any:
    """The chart of that name, drawn."""
    board = Dashboard([name], 570, 300)
    board.draw(run, None, marks)
    return board.charts[0]


def test_each_charge_is_marked_where_and_when_it_was_made(run: Run) -> None:
    """A circle for the first of an order, a diamond for the others, in the lane of the worker that
    made it.
    """
    drawn = chart(run, "leases")
    effects = [record.time for record in run.trace.records if record.event == "effect"]
    assert (
        sorted([*drawn.first.get_xdata(), *drawn.again.get_xdata()]) == effects
        and len(effects) == 4
    )
    by_worker = sorted(zip(drawn.first.get_xdata(), drawn.first.get_ydata(), strict=True))
    assert by_worker[0][0] == 2.0 and by_worker[0][1] == 1.0, "order-2 is row 1, in one lane"
    first = [row for time, row in by_worker if time == 6.0]
    assert first[0] == pytest.approx(-0.24), (
        "order-1 has two lanes: the late worker is in the upper one"
    )
    assert sorted(number.text for number in drawn.numbers if number.visible) == ["1", "1", "2", "2"]


def test_the_end_of_a_row_says_how_often_its_order_was_charged(run: Run) -> None:
    """Over all messages of that order; bold where it is not once; the deaths of workers are
    crosses.
    """
    drawn = chart(run, "leases")
    assert [end.text for end in drawn.ends if end.text] == [
        "charged 2×",
        "charged 2×",
        "not charged, dead",
        "charged 2×",
    ]
    assert all(end.weight == "bold" for end in drawn.ends if end.text)
    assert len(drawn.crashes.get_xdata()) == 2


def test_the_first_order_in_trouble_is_shown_with_its_other_message() -> None:
    """Among a thousand: the order that was sent twice, both its messages, and neighbours."""
    unsure = CardCharges(**CardCharges.PRESETS["the confirm that never came"]).run(0)
    drawn = chart(unsure, "leases")
    shown = list(drawn.shown["message_id"])
    assert {"order-17", "order-17/2"} < set(shown) and len(shown) == drawn.most
    assert list(drawn.shown["sent"]) == sorted(drawn.shown["sent"])


def test_what_is_held_for_good_runs_out_of_the_picture() -> None:
    """The axis is for what ends: a stuck worker does not shrink its neighbours."""
    stuck = CardCharges(**CardCharges.PRESETS["stuck but beating"]).run(0)
    drawn = chart(stuck, "leases")
    assert "not charged" in [end.text for end in drawn.ends]
    assert drawn.ax.get_xlim()[1] < 60.0 < stuck.until


def test_an_ack_before_the_work_is_work_without_a_lease() -> None:
    """The bar of a worker that acked first is the hatched one, from the ack to the end of its
    work.
    """
    first = CardCharges(**CardCharges.PRESETS["ack first"]).run(0)
    drawn = chart(first, "leases")
    assert len(drawn.orphaned.get_paths()) == drawn.most
    assert all(
        path.vertices[:, 0].max() == path.vertices[:, 0].min() for path in drawn.held.get_paths()
    )


def test_orders_by_charges(run: Run) -> None:
    """Three bars and their numbers, theory and a prediction; the sentence says the same."""
    drawn = chart(run, "charges")
    assert drawn.bars.values == {"never": 1, "once": 0, "twice or more": 2}
    scenario = CardCharges(lease=10.0, crash_rate=0.0).run(0)
    drawn = chart(scenario, "charges", Predictions(prediction=200))
    assert len(drawn.bars.theory.get_paths()) == 3 and drawn.marks.line.get_visible()
    board = Dashboard(["charges"])
    board.draw(scenario)
    assert board.sentence(scenario) == "Orders by charges: 0 never, 683 once, 317 twice or more."
