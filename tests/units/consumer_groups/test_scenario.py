"""Unit 09: what its scenario does, and each figure that its notebook states."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import pytest

from mqlearn.lab.charts import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.analysis.groups import GroupAnalysis
from mqlearn.study.run import Run
from mqlearn.units.consumer_groups.scenario import SharedPartitions


@lru_cache
def preset(name: str, **changes: object) -> Run:
    """The run of a preset with seed 0."""
    return SharedPartitions(**{**SharedPartitions.PRESETS[name], **changes}).run(0)


def story(run: Run) -> GroupAnalysis:
    """What its records say of the group."""
    return GroupAnalysis(run.trace.records, run.until)


def test_of_six_members_on_four_partitions_four_work() -> None:
    """Prediction 1; the fifth takes over when A leaves, at that very instant."""
    run = preset("more members than partitions")
    owned = story(run).owned
    assert {o.member for o in owned if o.start == 0} == set("ABCD")
    assert {o.member for o in owned if o.end == run.until} == set("BCDE")
    assert run.totals["twice"] == run.totals["lost"] == 0


def said(run: Run) -> str:
    """What the charts say of it."""
    board = Dashboard(SharedPartitions.CHARTS, 640, 520)
    board.draw(run, None, Predictions())
    return board.sentence(run)


@pytest.mark.parametrize(("commit", "what"), [("after", "twice"), ("before", "lost")])
def test_a_death_costs_half_of_what_lies_between_two_commits(commit: str, what: str) -> None:
    """Predictions 2 and 3: ten moments over one batch of 100, about 50 on average; the other kind
    is nothing.
    """
    other = {"twice": "lost", "lost": "twice"}[what]
    counts = []
    for k in range(0, 20, 2):
        run = SharedPartitions(
            at=30 + 0.75 * k, batch=100, backlog=1600, commit=commit, window=90.0
        ).run(0)
        counts.append(run.totals[what])
        assert run.totals[other] == 0
    assert 45 <= sum(counts) / 10 <= 55
    assert min(counts) < 15 and max(counts) > 85


def test_the_dead_ones_partition_is_nobodys_until_the_group_is_sure() -> None:
    """A falls silent at 40 s; its last heartbeat was at 39 or before, the session is 10 s; then all
    must poll.
    """
    owned = [o for o in story(preset("one dies mid-batch")).owned if o.partition == 0]
    assert [o.member for o in owned] == ["A", "B"]
    assert 45 <= owned[0].end <= 50 < owned[1].start <= 60.1


def test_nothing_is_committed_in_a_rebalance_storm() -> None:
    """Batches of 30 s, a poll interval of 20 s: every commit is refused, the lag is all there
    is.
    """
    run = preset("rebalance storm")
    assert run.totals["behind"] == run.totals["events"]
    assert run.totals["fenced"] > 8 and run.totals["generations"] > 4
    assert not any(record.event == "committed" for record in run.trace.records)
    calm = preset("rebalance storm", batch=50)
    assert calm.totals["fenced"] == calm.totals["twice"] == 0 and calm.totals["generations"] == 1


def test_a_zombies_commit_is_refused_and_its_mails_are_not() -> None:
    """One late commit, and the whole batch was mailed twice."""
    run = preset("zombie")
    assert (run.totals["fenced"], run.totals["twice"], run.totals["lost"]) == (1, 100, 0)
    fenced = next(r for r in run.trace.records if r.event == "fenced")
    assert fenced[0] > 60 and fenced[7] == "A-0"


def test_a_day_of_flights_waits_for_its_dead_owner() -> None:
    """Dead at 17:00, which is 1,020 s: the heir owns partition 0 about 45 s later, which was most
    of an hour.
    """
    run = SharedPartitions(
        arrivals="flights", mail_time=0.5, batch=20, what="dies", at=1020.0, session_timeout=45.0
    ).run(0)
    owned = [o for o in story(run).owned if o.partition == 0]
    assert run.totals["events"] == 1000 and run.totals["lost"] == 0
    assert [o.member for o in owned] == ["A", "B"] and 1062 < owned[1].start < 1072


def test_the_verdict_and_the_charts_tell_what_the_records_do() -> None:
    """Twice and lost are recounted by hand; each chart says it in words."""
    run = preset("zombie")
    effects = Counter(r.message_id for r in run.trace.records if r.event == "effect")
    assert sum(count > 1 for count in effects.values()) == run.totals["twice"]
    assert "100 were mailed twice, 0 never will be" in run.verdict
    board = Dashboard(SharedPartitions.CHARTS, 640, 520)
    board.draw(run, preset("one dies mid-batch"), Predictions(prediction=50))
    said = board.sentence(run)
    assert "3 generations" in said and "100 effects made again" in said


def test_a_newcomer_gets_its_share() -> None:
    """Three on four, a fourth joins at 30 s: then one each; with sticky nobody changes what it
    keeps.
    """
    run = SharedPartitions(what="nothing", members=3, joins_at=30.0, assignment="sticky").run(0)
    last = {o.partition: o.member for o in story(run).owned if o.end == run.until}
    first = {o.partition: o.member for o in story(run).owned if o.start == 0}
    assert sorted(last.values()) == list("ABCD")
    assert sum(first[p] != last[p] for p in range(4)) == 1


def test_a_prediction_is_answered() -> None:
    """What was said is set beside what was."""
    run = SharedPartitions(prediction=7.0, what="nothing").run(0)
    assert run.verdict.endswith("You said 7, it is 0.")


def test_a_queue_is_refused() -> None:
    """A log is read here."""
    from mqlearn import InMemoryMessageQueue, Simulation

    with Simulation() as sim, pytest.raises(ValueError, match="queue must be None"):
        SharedPartitions().run(0, runtime=sim, queue=InMemoryMessageQueue(runtime=sim))


def test_hatched_is_who_is_silent_and_not_found_out() -> None:
    """A dies at 40 s and is taken for alive until 49 s; one that stands still is silent no longer
    than that.
    """
    for name in ("one dies mid-batch", "zombie"):
        (silent,) = story(preset(name)).silent
        assert silent.member == "A" and silent.partition == 0
        assert 39.5 < silent.start < 40.5 and 48.5 < silent.end < 49.5
    short = story(preset("zombie", stall=5.0))
    assert [s.end - s.start for s in short.silent] == [
        pytest.approx(5.0)
    ] and short.generations == 1
    assert "A falls silent at 40 s" in said(preset("one dies mid-batch"))


def test_many_who_are_idle_are_counted_and_not_named() -> None:
    """Five names would run out of the picture."""
    run = SharedPartitions(partitions=1, members=7, rate=4.0, window=60.0).run(0)
    board = Dashboard(SharedPartitions.CHARTS, 570, 520)
    board.draw(run, None, Predictions())
    owners = next(chart for chart in board.charts if chart.name == "owners")
    assert owners.notes[2].text == "idle: 5"


def test_what_the_lab_asks_is_answered() -> None:
    """It opens on a death that leaves two partitions behind; who leaves moves four partitions, or
    one.
    """
    run = SharedPartitions().run(0)
    behind = [story(run).log.lag(partition) for partition in range(4)]
    assert min(behind[:2]) > 100 > max(behind[2:]) and run.totals["twice"] == 6
    for assignment, count in (("range", 4), ("sticky", 1)):
        owned = story(preset("more members than partitions", assignment=assignment)).owned
        first = {o.partition: o.member for o in owned if o.start == 0}
        assert sum(first[o.partition] != o.member for o in owned if o.end == 120.0) == count


@pytest.mark.parametrize(("batch", "refused"), [(66, 0), (67, 12)])
def test_the_storm_ends_where_a_batch_fits_into_the_poll_interval(batch: int, refused: int) -> None:
    """66 mails of 0.3 s take 19.8 s, 67 take 20.1 s; the session timeout does not matter."""
    assert preset("rebalance storm", batch=batch, session_timeout=4.0).totals["fenced"] == refused
