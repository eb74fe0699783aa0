"""Unit 08's scenario and the figures of its notebook: keys and shares, lag, retention, what each
policy loses.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace

import pytest

from mqlearn import EventStream, partition_for
from mqlearn.study.analysis.logs import LogAnalysis
from mqlearn.study.arrivals import flight_file
from mqlearn.units.event_streams.by_hand import run_with_log
from mqlearn.units.event_streams.scenario import ReadingTheLog

FELL = ReadingTheLog(arrivals="regular", **ReadingTheLog.PRESETS["the reader that fell off"])
BIG = ReadingTheLog(**ReadingTheLog.PRESETS["one big customer"])


def flights(day: str) -> list[dict[str, str]]:
    """The flights of a day."""
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("key", "partitions", "share", "speedup"),
    [
        ("carrier", 4, 42.7, 2.34),
        ("carrier", 8, 42.6, 2.35),
        ("origin", 4, 35.6, 2.81),
        ("destination", 4, 37.9, 2.64),
        ("tail", 4, 27.3, 3.66),
        ("tail", 8, 14.0, 7.12),
    ],
)
def test_a_day_of_flights_by_key(key: str, partitions: int, share: float, speedup: float) -> None:
    """By carrier the largest partition has 42.7 % and eight are no faster than four; by aircraft it
    has 27.3 %.
    """
    day = flights("2013-12-02")
    largest = max(Counter(partition_for(row[key], partitions) for row in day).values())
    assert round(100 * largest / len(day), 1) == share
    assert round(len(day) / largest, 2) == speedup


@pytest.mark.parametrize(("day", "due", "gone"), [("2013-12-02", 66, 51), ("2013-07-10", 74, 23)])
def test_event_time_and_arrival_time(day: str, due: int, gone: int) -> None:
    """Of the flights due between 15 and 16 h, so many had gone by 16:00."""
    hour = [
        row for row in flights(day) if 15 * 3600 <= float(row["scheduled_departure"]) < 16 * 3600
    ]
    assert len(hour) == due
    assert (
        sum(bool(row["departure"]) and float(row["departure"]) < 16 * 3600 for row in hour) == gone
    )


def test_one_big_customer_bounds_the_group() -> None:
    """Half of the events with one customer: 1.6 times one reader on average, 1.4 to 1.8 with twenty
    others.
    """
    found = []
    for shop in range(400):
        load = Counter({partition_for(f"shop-{shop}-big", 4): 0.5})
        for number in range(20):
            load[partition_for(f"shop-{shop}-{number}", 4)] += 0.025  # type: ignore[assignment]
        found.append(1 / max(load.values()))
    found.sort()
    assert abs(sum(found) / len(found) - 1.6) < 0.05
    assert 1.4 < found[20] < found[-20] < 1.85


def test_the_hot_partition_lags_and_the_others_do_not() -> None:
    """Two thirds of the events are in one; the lag is what theory says, by the spread of the
    arrivals.
    """
    run = BIG.run(0)
    story = LogAnalysis(run.trace.records)
    assert round(run.totals["largest_%"]) == 66 and run.totals["events"] == 2446
    assert (run.totals["behind"], story.lag(story.worst())) == (814, 813)
    assert run.theory["behind"] == pytest.approx(760)
    assert run.verdict.startswith(
        "2,446 events, 66 % in one of 4 partitions: 4 readers together do at most 1.52 "
    )
    assert run.headline == "66 % in one of 4 partitions: 1.52 × one reader. 814 behind."


@pytest.mark.parametrize(
    ("policy", "read", "lost", "behind"),
    [("earliest", 1997, 401, 2), ("latest", 1598, 800, 2), ("error", 599, 1395, 1801)],
)
def test_what_each_policy_loses(policy: str, read: int, lost: int, behind: int) -> None:
    """Away for 40 s with a retention of 20: half is gone, or all of it, or all from then on."""
    totals = replace(FELL, out_of_range=policy).run(0).totals
    assert (totals["read"], totals["lost"], totals["behind"]) == (read, lost, behind)


@pytest.mark.parametrize("policy", ["earliest", "latest", "error"])
def test_every_event_is_read_or_lost_or_waits(policy: str) -> None:
    """A plain count of the records, partition by partition: no event is read twice, none is lost in
    silence.
    """
    run = replace(FELL, out_of_range=policy).run(1)
    story = LogAnalysis(run.trace.records)
    started = Counter((r.detail, r.entry) for r in run.trace.records if r.event == "started")
    assert set(started.values()) == {1}
    for p in story.partitions:
        mine = {offset for home, offset in started if home == p}
        reached = story.size(p) - story.lag(p)
        assert len(mine) - story.read(p) in (0, 1)  # one may be in hand
        skipped = set(range(reached)) - mine
        assert len(skipped) == story.lost(p) or (policy == "error" and not skipped)


def test_nothing_is_lost_while_the_lag_is_shorter_than_the_retention() -> None:
    """Also of a reader that is away; and 40 s are one event too little for an absence of 40 s."""
    preset = ReadingTheLog(**ReadingTheLog.PRESETS["the reader that fell off"])
    assert replace(preset, retention=60.0).run(0).totals["lost"] == 0
    assert replace(preset, retention=40.0).run(0).totals["lost"] == 1


def test_the_celebrity_falls_off_late() -> None:
    """Her reader lags a little more each second, until the lag is forty seconds."""
    run = ReadingTheLog(**ReadingTheLog.PRESETS["celebrity"]).run(0)
    assert run.totals["lost"] == 92
    first = min(r.time for r in run.trace.records if r.event == "reset")
    assert 90 < first < 110


def test_the_verdict_says_what_of_the_lag_is_gone_and_who_stopped() -> None:
    """All four stop at the error; who is away still has not asked, and one partition has no
    share.
    """
    stopped = replace(FELL, out_of_range="error")
    assert stopped.run(0).verdict.endswith(
        "1,801 behind at the end, 1,395 of them gone already. 1,395 never read. 4 readers stopped."
    )
    assert "stopped" not in replace(stopped, away_to=180.0).run(0).verdict
    assert FELL.run(0).headline == "2 behind, 401 never read. 30 % in one of 4 partitions."
    assert (
        replace(FELL, partitions=1, retention=0.0).run(0).headline
        == "1,600 of 2,400 events behind."
    )


def test_the_hot_partition_bounds_what_they_keep_up_with() -> None:
    """Below 1.52 times one reader's rate nobody falls behind for long, above it the hot partition
    does.
    """
    one = 1 / BIG.read_time
    calm, busy = (
        replace(BIG, rate=factor * one, window=180.0).run(0).totals["behind"]
        for factor in (1.3, 1.8)
    )
    assert calm < 15 and busy > 100


class HoldsTheLock:
    """The notebook's first stream: it yields while it holds the lock."""

    def __init__(self, runtime: object) -> None:
        self.lock, self.events, self.at = runtime.lock(), [], 0  # type: ignore[attr-defined, var-annotated]

    def append(self, event: object) -> None:
        with self.lock:
            self.events.append(event)

    def read(self, group: str) -> object:
        with self.lock:
            for at in range(self.at, len(self.events)):
                yield self.events[at]
                self.at = at + 1


def test_a_lock_held_across_a_yield_makes_producers_wait() -> None:
    """Half of a minute's 1,200 events get in, and the log looks healthy; the package's takes
    all.
    """
    minute = ReadingTheLog(arrivals="regular", partitions=1, read_time=0.1, window=60.0)
    naive = run_with_log(minute, HoldsTheLock)
    ours = run_with_log(minute, lambda runtime: EventStream("orders", 1, runtime=runtime))
    assert (naive.totals["events"], naive.totals["behind"]) == (599, 1)
    assert (ours.totals["events"], ours.totals["behind"]) == (1200, 602)


def test_a_prediction_is_compared() -> None:
    """In the verdict, beside the number."""
    assert replace(BIG, prediction=500.0).run(0).verdict.endswith("You said 500, it is 814.")
