"""Unit 10's scenario: what was written and published, what the events make of it, and what each
chart says.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import pytest

from mqlearn import OrderEventStore, Simulation, StreamEvent
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.histories import HistoryAnalysis, by_database, by_events
from mqlearn.study.changes import FINAL, HOUR, a_day_of_flights, a_day_of_orders, evolve
from mqlearn.study.flights import flight_events
from mqlearn.study.run import Run
from mqlearn.units.event_sourcing.by_hand import run_with_writer
from mqlearn.units.event_sourcing.scenario import OrderHistory
from mqlearn.units.event_sourcing.shop import WRITERS, Shop


@lru_cache
def preset(name: str, **changes: object) -> Run:
    """The run of a preset with seed 0."""
    return OrderHistory(**{**OrderHistory.PRESETS[name], **changes}).run(0)


def story(run: Run) -> HistoryAnalysis:
    """What its records say of the orders."""
    return HistoryAnalysis(run.trace.records)


def test_a_crash_between_two_writes_tears_one_change_in_ten() -> None:
    """State first: in the database and in no event. Event first: in several. An outbox: neither,
    whatever the seed.
    """
    torn = count = 0
    for seed in range(2):
        runs = {
            write: OrderHistory(crash_rate=0.1, write=write).run(seed).totals for write in WRITERS
        }
        assert runs["state first"]["several"] == runs["event first"]["no event"] == 0
        assert runs["outbox"]["no event"] == runs["outbox"]["several"] == 0
        # the same deaths, told otherwise
        assert runs["state first"]["no event"] == runs["event first"]["several"]
        assert len({run["changes"] for run in runs.values()}) == 1
        torn += runs["state first"]["no event"]
        count += runs["outbox"]["changes"]
        assert runs["outbox"]["repeated"] > 0
    assert 0.07 < torn / count < 0.13


def test_without_a_crash_all_three_ways_say_the_same() -> None:
    """Every change has one row and one event, and each question the same answer."""
    said = {OrderHistory(crash_rate=0.0, write=write).run(0).verdict for write in WRITERS}
    assert len(said) == 1
    assert said.pop() == (
        "14:00: 3 pending, 14 paid, 12 packed, 27 shipped, 3 cancelled. "
        "0 of 497 changes have no event, 0 have several."
    )


@pytest.mark.parametrize("write", WRITERS)
def test_the_charts_states_are_those_of_the_package(write: str) -> None:
    """At any hour, for every order: by the events as they were then, by the database as its row was
    then.

    And what the verdict says of an hour, by all that is known now, is what a store rebuilds of that
    time.
    """
    with Simulation(3) as sim:
        shop = Shop(sim, Trace(), WRITERS[write], 0.2)
        plan = a_day_of_orders(range(7, 14 * 3600, 900), sim.draw)
        keys = dict.fromkeys(change.key for change in plan)
        for key in keys:
            sim.spawn(shop.customer, [change for change in plan if change.key == key])
        sim.spawn(shop.relay, daemon=True)
        store, then, seen = OrderEventStore(shop.stream, evolve=evolve), {}, 0
        for hour in (9.25, 14.0, 19.5):
            sim.run(until=hour * HOUR)
            then |= {
                (hour, key): (
                    store.rebuild_order_state(key).get("status", ""),
                    (shop.table.load(key) or {}).get("status", ""),
                )
                for key in keys
            }
        sim.run()
        day = shop.close()
        told = HistoryAnalysis(day.trace.records).by_key()
        for (hour, key), (by_the_events, by_the_row) in then.items():
            assert by_events(told[key], hour * HOUR) == by_the_events
            assert by_database(told[key], hour * HOUR) == by_the_row
            state = store.rebuild_order_state(key, hour * HOUR).get("status")
            assert day.true_at(hour * HOUR).get(key) == state
            seen += state is not None
        assert seen > 90


def test_another_hour_is_the_same_day_and_a_new_simulation_agrees_with_what_is_kept() -> None:
    """A day that was simulated is folded again for another hour; nothing else that is set finds
    it.
    """
    morning = OrderHistory(orders=40, hour=9.0).run(0)
    evening = OrderHistory(orders=40, hour=21.5, prediction=3.0).run(0)
    assert morning.trace is evening.trace and evening.verdict.startswith("21:30, by the events: 5")
    with Simulation() as sim:
        again = OrderHistory(orders=40, hour=9.0).run(0, runtime=sim)
    assert again.trace.records == morning.trace.records and again.verdict == morning.verdict
    other = [
        OrderHistory(orders=40, hour=9.0, crash_rate=0.2).run(0),
        OrderHistory(orders=40, hour=9.0).run(1),
    ]
    assert all(run.trace.records != morning.trace.records for run in other)
    with pytest.raises(TypeError, match="seed"):
        OrderHistory().run(0.5)  # type: ignore[arg-type]


def test_every_change_is_written_in_the_end_and_those_of_an_order_in_their_order() -> None:
    """Nobody gives up: the database has all that happened, whoever died; the outbox's events come
    in order.
    """
    for write in WRITERS:
        run = OrderHistory(orders=60, crash_rate=0.3, write=write).run(1)
        assert all(change.saved is not None for change in story(run).changes.values())
        for changes in story(run).by_key().values():
            times = [change.published[0] for change in changes if change.published]
            assert times == sorted(times)


def test_who_gets_no_answer_looks_a_minute_later_and_the_relay_comes_back_at_once() -> None:
    """What was cut off is saved a minute late, all else when it is asked for; no event waits in the
    outbox for long.
    """
    for write in ("event first", "outbox"):
        run = OrderHistory(orders=60, crash_rate=0.2, write=write).run(0)
        changes = story(run).changes
        cut = {
            record.message_id
            for record in run.trace.records
            if record.event == "finished" and record.detail == "crashed"
        }
        late = {
            name for name, change in changes.items() if (change.saved or 0.0) - change.time > 59.0
        }
        assert cut and late == cut
        if write == "outbox":
            assert all(
                change.published[0] - (change.saved or 0.0) < 10.0 for change in changes.values()
            )


def test_what_is_neither_saved_nor_published_is_not_torn_and_a_duplicate_changes_nothing() -> None:
    """It has not happened anywhere yet. And an event under the id of the last one is that one."""
    found = HistoryAnalysis([(5.0, "occurred", "shop", 0, "order-1/1", "", 0, "", 0, "pending")])
    assert found.silent == [] and found.chosen(6.0, 6) == []
    event = StreamEvent(
        "orders", "order-1/1", "order_created", {"status": "pending"}, partition_key="order-1"
    )
    once = evolve({}, event)
    assert once["version"] == 1 and evolve(once, event) == once


def test_a_board_that_keeps_snapshots_folds_little_and_says_the_same() -> None:
    """At most an interval and an hour's events; without, all there are. The answers are equal, and
    the day's.
    """
    run, plain = preset("snapshots"), OrderHistory(crash_rate=0.0).run(0)
    folded, every = (dict(story(each).folded) for each in (run, plain))
    busiest = max(Counter(int(time // HOUR) for time in story(run).appended).values())
    assert max(folded.values()) < 100 + busiest and max(every.values()) == 497
    assert sum(every.values()) == 4428 == plain.totals["folded"] and sum(folded.values()) == 1211
    said, whole = (
        [record.detail for record in each.trace.records if record.event == "answered"]
        for each in (run, plain)
    )
    assert said == whole and len(said) == 24
    assert said[13] == "3 pending, 14 paid, 12 packed, 27 shipped, 3 cancelled" and said[4] == ""


def test_the_board_at_18_is_what_the_day_says() -> None:
    """766 flights had left, 559 of them arrived, so that 207 were in the air, or had been
    diverted.
    """
    then = OrderHistory(**OrderHistory.PRESETS["the board at 18:00"]).run(0).verdict
    assert then.startswith("18:00: 24 due, 204 in the air, 559 arrived, 3 diverted, 2 cancelled.")
    past = Counter(
        event.event_type for event in flight_events("2013-12-02") if event.timestamp <= 18 * HOUR
    )
    assert past["flight_departed"] == 766 == 204 + 559 + 3


def test_a_flight_that_left_early_was_never_due() -> None:
    """Else it would be due once more while it is in the air; nothing else is left out."""
    plan = a_day_of_flights("2013-12-02")
    for flight in {change.key for change in plan}:
        states = [change.state for change in plan if change.key == flight]
        assert "due" not in states[1:] and states[-1] in (*FINAL, "in the air", "due")
    early = len(flight_events("2013-12-02")) - len(plan)
    assert early > 300


def test_a_way_to_write_of_ones_own_is_what_the_chart_shows() -> None:
    """The same code gives the same run as the package's; one that never publishes has no event at
    all.
    """

    def mine(shop: Shop, event: object, die: object) -> None:
        shop.save(event)  # type: ignore[arg-type]
        die()  # type: ignore[operator]
        shop.publish(event)  # type: ignore[arg-type]

    scenario = OrderHistory(crash_rate=0.1)
    assert run_with_writer(scenario, mine).trace.records == scenario.run(0).trace.records
    mute = run_with_writer(OrderHistory(crash_rate=0.0), lambda shop, event, die: shop.save(event))
    assert mute.totals["no event"] == mute.totals["changes"] == 497
    assert mute.verdict.startswith("14:00, by the events: nothing yet.")
    with pytest.raises(KeyError, match="oops"):
        run_with_writer(OrderHistory(), lambda shop, event, die: {}["oops"])


def test_the_charts_say_what_the_records_do() -> None:
    """The order whose row is ahead of its events is told with both; a prediction is drawn and
    answered.
    """
    run = preset("dual write", prediction=30.0)
    assert run.verdict.endswith("You said 30, it is 40.")
    board = Dashboard(OrderHistory.CHARTS, 640, 460)
    board.draw(run, preset("outbox"), Predictions(prediction=30))
    said = board.sentence(run)
    assert [label.text for label in board.charts[0].states] == [
        "db: shipped",
        "db: shipped",
        "shipped",
        "db: shipped",
        "db: packed",
        "db: paid",
    ]
    assert (
        "order-36 packed (the database says shipped)" in said
        and "40 have no event, 0 have several" in said
    )
    assert "at most 457 of 457 events were folded" in said
    before_dawn = OrderHistory(hour=0.0).run(0)
    board.draw(before_dawn)
    assert (
        "nothing had happened" in board.sentence(before_dawn)
        and "nothing yet" in before_dawn.verdict
    )


def test_orders_of_which_no_event_ever_told_are_drawn_too() -> None:
    """They have no ribbon; what the database knows of them is said."""
    mute = run_with_writer(OrderHistory(orders=20), lambda shop, event, die: shop.save(event))
    board = Dashboard(OrderHistory.CHARTS, 640, 460)
    board.draw(mute)
    assert "order-3 unknown (the database says shipped)" in board.sentence(mute)


@pytest.mark.parametrize("hour", [0.0, 6.25, 11.0, 18.0, 24.0])
def test_the_orders_shown_are_going_on_or_have_just_ended(hour: float) -> None:
    """Six at most, and never one that nobody has heard of; torn ones first."""
    found = story(preset("dual write")).chosen(hour * HOUR, 6)
    assert len(found) <= 6 and len({key for key, _ in found}) == len(found)
    for _, changes in found:
        assert changes[0].first <= hour * HOUR or any(
            change.first <= hour * HOUR for change in changes
        )
    if hour == 18.0:
        torn = [
            any(change.silent and change.first <= hour * HOUR for change in changes)
            for _, changes in found
        ]
        assert all(torn)


def test_a_prediction_is_of_both_kinds_together() -> None:
    """The chart's number is the verdict's."""
    view = ChartData(preset("event first"))
    (torn,) = Dashboard(("dual_writes",), 570, 200).charts
    assert torn.measured(view) == preset("event first").totals["several"] == 40


def test_a_queue_is_refused() -> None:
    """Events are kept here."""
    from mqlearn import InMemoryMessageQueue

    with Simulation() as sim, pytest.raises(ValueError, match="queue must be None"):
        OrderHistory().run(0, runtime=sim, queue=InMemoryMessageQueue(runtime=sim))
