"""The charts of unit 11: the lanes of the replicas, the answers, the promises."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mqlearn import ReplicatedLog, Simulation, Trace
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.instants import ReplicaPicture, instant_picture
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.study.analysis.replicas import (
    DOWN,
    IN_SYNC,
    LEADER,
    OUT,
    ReplicaAnalysis,
    promises_in,
)
from mqlearn.study.run import Run
from mqlearn.units.replication.scenario import ReplicatedOrders


@lru_cache
def preset(name: str = "") -> Run:
    """The run of a preset with seed 0; the lab's first without a name."""
    return ReplicatedOrders(**ReplicatedOrders.PRESETS.get(name, {})).run(0)


def drawn(run: Run, ghost: Run | None = None, predictions: Predictions | None = None) -> Any:
    """The lab's picture of a run, drawn."""
    board = Dashboard(ReplicatedOrders.CHARTS, RIGHT, PICTURE_HEIGHT)
    board.draw(run, ghost, predictions)
    return board


def roles(run: Run, replica: int) -> list[tuple[str, int, int]]:
    """A replica's roles, each with its whole seconds."""
    spans = ReplicaAnalysis(run.trace.records, run.until).spans
    return [(s.role, round(s.start), round(s.end)) for s in spans if s.replica == replica]


def test_the_roles_of_a_leader_that_dies_and_of_its_successor() -> None:
    """Dead from 40 to 70 s, and in sync again within two fetches; the other leads from 49 s on."""
    run = preset()
    assert [role for role, *_ in roles(run, 0)][:2] == [LEADER, DOWN]
    assert roles(run, 0)[:2] == [(LEADER, 0, 40), (DOWN, 40, 70)]
    assert roles(run, 0)[-1][0] == IN_SYNC and roles(run, 0)[-1][1] <= 71
    assert roles(run, 1) == [(IN_SYNC, 0, 49), (LEADER, 49, 160)]


def test_a_deposed_leader_leads_on_until_it_hears_of_the_newer_epoch() -> None:
    """Cut off from 40 to 70 s: two leaders from 49 s on, and then one."""
    found = ReplicaAnalysis(preset("two leaders").trace.records, 160.0)
    led = [span for span in found.spans if span.role == LEADER]
    assert [(span.replica, span.epoch) for span in sorted(led, key=lambda s: s.epoch)] == [
        (0, 1),
        (1, 2),
    ]
    assert [(s.replica, s.start, s.end) for s in found.cut] == [(0, 40.0, 70.0)]
    assert found.drops == [(pytest.approx(70, abs=0.5), 0, 419)]
    assert max(count for _, count in found.dropped[0]) == 419
    assert found.dropped[0][-1][1] == 0  # after the cut it is as the others


def test_followers_that_are_back_and_behind_are_out_of_sync() -> None:
    """While the leader is alone, and until one of them is elected."""
    assert (OUT, 61, 69) in roles(preset("the lonely leader"), 1)


def test_the_logs_of_the_analysis_are_those_of_the_replicas() -> None:
    """Copied from the records alone, through elections, cuts and power cuts."""
    trace = Trace()
    with Simulation(3) as sim:
        log = ReplicatedLog(
            "orders", fetch_every=0.5, session_timeout=2, flush_every=4, runtime=sim, trace=trace
        )

        def sell() -> None:
            for number in range(400):
                try:
                    log.append(f"order-{number}", acks=1, to=0 if 100 <= number < 140 else None)
                except RuntimeError:
                    pass
                sim.sleep(0.05)

        sim.spawn(sell)
        sim.call_at(5, lambda: log.partition(0))
        sim.call_at(9, lambda: log.partition(0, cut=False))
        sim.call_at(12, lambda: log.power_cut(1))
        sim.call_at(15, lambda: log.restart(1))
        sim.run(until=25)
        found = ReplicaAnalysis(trace.records, 25.0)
        for replica in log.replicas:
            assert found.ids(replica.number) == [entry.value for entry in replica.log]
        assert found.leader == log.leader
        assert len(found.elections) == log.leader_epoch >= 2


def test_promises_are_found_in_the_records_as_the_tills_tell_them() -> None:
    """Of the orders that were asked for at all."""
    for name in ("", "acknowledged, and gone", "two leaders"):
        run = preset(name)
        told, found = run.context.tables["promises"], promises_in(run.trace.records)
        assert (found.acknowledged, sorted(found.lost)) == (told.acknowledged, sorted(told.lost))


def test_the_lanes_name_the_epochs_and_what_was_dropped() -> None:
    """In the lab's own size; nothing is cut."""
    board = drawn(preset("two leaders"))
    lanes, answers, promises = board.charts
    assert [label.text for label in lanes.epochs if label.text] == ["epoch 1", "epoch 2"]
    assert [label.text for label in lanes.drops if label.text] == ["−419"]
    assert lanes.scale == 600
    assert promises.numbers["yes", False].text == "419"
    assert "419 entries dropped" in board.sentence(preset("two leaders"))
    assert answers.sentence(ChartData(preset("two leaders"))).startswith("Answers: yes 2,446 times")


def test_the_legend_has_what_occurs_in_the_run() -> None:
    """A run without a cut needs no word for it; nor does a role that is too short to be seen."""
    board = drawn(preset())
    legend = board.charts[0].legend
    found = ["leader", "in sync", "down", "uncommitted", "dropped", "╌ watermark"]
    assert legend.shown == found  # replica 0 is out of sync for half a second
    rows = [legend.labels[name].y for name in found]
    assert {b - a for a, b in pairwise(rows)} == {16}  # no gap
    board.draw(ReplicatedOrders(what="nothing").run(0))
    assert legend.shown == ["leader", "in sync", "uncommitted", "╌ watermark"]
    board.draw(preset("two leaders"))
    found = ["leader", "in sync", "cut off", "uncommitted", "dropped", "╌ watermark"]
    assert legend.shown == found
    shown = [name for name, swatch in legend.swatches.items() if swatch.get_paths()]
    assert shown == found[:-1]


def test_every_word_of_the_legend_fits_beside_the_lanes() -> None:
    """In the lab and alone in a page."""
    for wide in (640, RIGHT):
        lanes = Dashboard(("replicas",), wide, 320).charts[0]
        for name, label in lanes.legend.labels.items():
            assert label.x + lanes.canvas.measure(name, size=label.size) <= wide


def test_two_texts_of_one_lane_do_not_cover_each_other() -> None:
    """All three lost power at once, and one of them dropped four more when it was back."""
    lanes = drawn(preset("the rack")).charts[0]
    shown = [label for label in (*lanes.epochs, *lanes.drops) if label.text]
    assert len(shown) >= 5
    for one in shown:
        for other in shown:
            if one is not other and one.y == other.y:
                width = lanes.canvas.measure(one.text, size=one.size)
                assert other.x >= one.x + width or other.x < one.x


def test_a_baseline_and_predictions_are_shown() -> None:
    """The numbers of the run before stand beside the new ones; what was said beside the table."""
    board = drawn(
        preset("acknowledged, and gone"), preset(), Predictions(prediction=5.0, room=(0.0, 12.0))
    )
    promises = board.charts[2]
    assert board.predicted_chart == "promises"
    assert promises.measured(ChartData(preset("acknowledged, and gone"))) == 10
    assert promises.numbers["yes", False].text == "10  (baseline 0)"
    texts = [label.text for label in promises.told if label.text]
    assert texts == ["you said 5 lost", "the room 0 to 12"]


def test_what_was_refused_again_and_again_counts_once_per_slice() -> None:
    """Forty tills ask ten times per second; the chart counts orders."""
    _, answers, _ = drawn(preset("the refusal")).charts
    assert answers.axis_top <= 100
    assert np.isfinite(answers.axis_top)


def test_a_run_without_replicas_is_drawn_empty() -> None:
    """And says so."""
    empty = Run(None, 0, Trace(), 10.0, {}, "Nothing happened.")
    board = Dashboard(("replicas", "answers", "promises"), 640, 480)
    board.draw(empty)
    assert board.charts[0].title.text == "there is no replica"
    assert board.sentence(empty).startswith("Replicas: there is none.")


def test_an_instant_shows_what_each_replica_has_around_the_watermark() -> None:
    """Two leaders: the old one's entries are marked, also those below the watermark."""
    run = preset("two leaders")
    assert instant_picture(run) is ReplicaPicture
    picture = ReplicaPicture()
    picture.draw(run, 60.0)
    assert picture.sentence.startswith(
        "At 60 s: 877 committed; replica 0: leads in epoch 1, cut off, 1,109 entries, 315 will be "
        "dropped; replica 1: leads in epoch 2, 881 entries; replica 2: in sync, 877 entries. Last "
        "event, at 60 s: replica-0 wrote up to 1109 to the disk"
    )
    shapes = {state: len(verts) for state, verts in picture.shapes.items()}
    assert shapes == {
        "committed": 6,
        "not committed": 4,
        "not in the newest leader's log": 11,
        "stroke": 3,
    }
    assert [label.text for label in picture.more if label.text] == ["+224"]
    picture.draw(run, 100.0)
    assert "dropped" not in picture.sentence and "cut off" not in picture.sentence


def test_an_instant_before_anything_was_appended_is_empty() -> None:
    """At 0 s there is a leader and no entry."""
    picture = ReplicaPicture()
    picture.draw(preset(), 0.0)
    assert picture.sentence.startswith("At 0 s: 0 committed; replica 0: leads in epoch 1, 0 entr")
