"""Random days of a replicated log: with acks "all" each keeps every rule, with acks 1 each loss is
found, and no log that is broken on purpose gets away.

More of them: `make chaos`, or `python -m tests.replication --first 1000 --count 5000`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from mqlearn import ReplicatedLog
from mqlearn.streaming.replica import Replica
from mqlearn.study.analysis.promises import PromiseAnalysis
from tests.replication.__main__ import judged, replay
from tests.replication.broken import BROKEN
from tests.replication.day import KINDS, Fault, Seen, draw_day, happened, play
from tests.replication.rules import mistakes

DAYS = 100  # what `make test` lives through; `make chaos` takes thousands


def test_a_hundred_random_days_keep_every_rule() -> None:
    """Two of three in sync at least, acks "all": nothing is lost, twice, overtaken, or seen and
    gone; in the end all is committed, and the replicas agree.
    """
    days = [judged(seed, "all") for seed in range(DAYS)]
    assert [(day.seed, day.wrong) for day in days if day.wrong] == []
    counts = sum((day.counts for day in days), Counter())
    assert counts["yes"] == counts["sent"] > 100 * DAYS
    for event in ("killed", "power_cut", "cut_off", "elected", "truncated", "unanswered"):
        assert counts[event] > DAYS // 2, event
    for event in ("offline", "refused", "sent_again", "isr_grown", "flushed", "healed"):
        assert counts[event] > DAYS // 10, event


def lost_by_offset(seen: Seen) -> set[str]:
    """The acknowledged values that are lost, by another way: an offset and an epoch name an entry,
    and the log that is left has it or not.
    """
    return {
        record.message_id
        for record in seen.records
        if record.event == "acknowledged"
        and not (record.entry < len(seen.epochs) and seen.epochs[record.entry] == record.receipt)
    }


def test_with_acks_1_values_are_lost_and_each_is_found() -> None:
    """The checker knows only the answers and the log; offsets and epochs say the same."""
    lost = []
    for seed in range(30):
        seen = play(draw_day(seed, 1))
        assert seen.log is not None
        found = PromiseAnalysis(seen.told, seen.log, seen.read)
        found.check_records(seen.records)
        assert set(found.lost) == lost_by_offset(seen)
        lost.append(len(found.lost))
    assert sum(count > 0 for count in lost) > 20 and sum(lost) > 300


@pytest.mark.parametrize("least", [2, 3])
def test_five_replicas_keep_every_rule_too(least: int) -> None:
    """With a minimum of two or three."""
    for seed in range(8):
        assert mistakes(play(draw_day(seed, replicas=5, least=least))) == [], seed


@pytest.mark.parametrize("flush_every", [30.0, 0.0])
def test_a_rack_without_power_loses_what_no_disk_has(flush_every: float) -> None:
    """All copies at once; none, if the disk is written before each answer."""
    lost = 0
    for seed in range(8):
        rack = Fault(25.0, "rack", False, 0, 2.0, 1.0)
        seen = play(replace(draw_day(seed), faults=(rack,)), flush_every=flush_every)
        assert seen.log is not None
        lost += bool(PromiseAnalysis(seen.told, seen.log, seen.read).lost)
    assert lost == (8 if flush_every else 0)


class GoesBack(ReplicatedLog):
    """Lets the high watermark follow the least end, also downwards."""

    def _advance(self, leader: Replica) -> None:
        leader.high_watermark = 0
        super()._advance(leader)


def steps_back(seen: Seen) -> int:
    """How often a watermark was committed that is not above the one before it. The next leader may
    begin with the same.
    """
    committed = [
        (record.receipt, record.entry) for record in seen.records if record.event == "committed"
    ]
    return sum(
        after < before or (after == before and epoch == last)
        for (last, before), (epoch, after) in pairwise(committed)
    )


def test_the_high_watermark_never_goes_back() -> None:
    """Not at a leader, and under clean elections not from one leader to the next."""
    assert [steps_back(play(draw_day(seed))) for seed in range(8)] == [0] * 8
    assert any(steps_back(play(draw_day(seed), GoesBack)) for seed in range(8))


def test_without_numbers_some_are_there_twice_and_none_is_lost() -> None:
    """What is asked again is appended again."""
    twice = 0
    for seed in range(8):
        wrong = mistakes(play(draw_day(seed), idempotent=False))
        assert all("lost" not in each and "vanished" not in each for each in wrong)
        twice += any("twice" in each for each in wrong)
    assert twice > 5


def test_the_days_are_rough() -> None:
    """All kinds of faults, most of them overlapping, most of them of the leader."""
    days = [draw_day(seed) for seed in range(DAYS)]
    faults = [fault for day in days for fault in day.faults]
    assert {fault.kind for fault in faults} == set(KINDS)
    assert 0.5 < sum(fault.leader for fault in faults) / len(faults) < 0.7
    assert {day.in_flight for day in days} == {1, 3}
    overlapping = sum(
        a.at < b.at < a.at + a.lasts for day in days for a in day.faults for b in day.faults
    )
    assert overlapping > len(faults)


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_log_that_is_broken_on_purpose_is_caught(kind: type[ReplicatedLog]) -> None:
    """On the day that is known to show it, or else on one of a hundred."""
    for seed in (BROKEN[kind].first, *range(100)):
        if mistakes(play(draw_day(seed), kind)):
            return
    raise AssertionError(f"{kind.__name__} was not noticed on 100 days")


def test_a_day_is_told_and_can_be_seen_again(capsys: pytest.CaptureFixture[str]) -> None:
    """By its seed: its faults, and what became of it."""
    assert replay(3, "all") == 0
    said = capsys.readouterr().out
    assert "the day of seed 3" in said and said.count(" for ") == len(draw_day(3).faults)
    assert "acknowledged, 0 of them lost" in said
    assert play(draw_day(3)).records == play(draw_day(3)).records


def test_a_day_without_faults_has_one_epoch() -> None:
    """And nothing is cut, refused or asked again."""
    seen = play(replace(draw_day(1), faults=(), paces=(0.1, 0.1, 0.1)))
    assert mistakes(seen) == []
    assert happened(seen).keys() == {
        "elected",
        "slowed",
        "appended",
        "fetched",
        "committed",
        "acknowledged",
        "flushed",
    }
