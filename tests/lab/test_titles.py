"""The titles of the labs of units 05 to 10 and their pictures tell the same: one quantity, or both
named; what is missed is said; no panel is empty without a reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.groups import GroupAnalysis
from mqlearn.study.analysis.logs import LogAnalysis
from mqlearn.study.run import Run
from mqlearn.units import scenarios


def run_of(name: str, preset: str | None = None, **fields: Any) -> Run:
    """A run of this scenario, with the settings of a preset or these."""
    kind: Any = scenarios()[name]
    run: Run = kind(**(kind.PRESETS[preset] if preset else fields)).run(seed=0)
    return run


def texts(run: Run) -> list[str]:
    """The visible texts of the picture, as the lab shows it."""
    board = Dashboard(run.scenario.CHARTS, RIGHT, PICTURE_HEIGHT)
    board.draw(run)
    labels: list[Any] = board.canvas._labels
    return [label.text for label in labels if label.text and label.visible]


@pytest.mark.parametrize(
    ("fields", "said", "peak"),
    [
        ({}, "0 of 1,196 orders died, at most 327 waited, 332 not settled", "peak 332"),
        (
            {"outage_to": 150.0},
            "0 of 1,196 orders died, at most 491 waited, 499 not settled",
            "peak 499",
        ),
        (
            {"outage_to": 300.0},
            "0 of 1,196 orders died, at most 910 waited",
            "peak 910",
        ),
    ],
)
def test_the_title_names_the_most_that_wait_and_the_peak_of_the_chart(
    fields: dict[str, Any], said: str, peak: str
) -> None:
    """The peak of the chart counts the calls under way too; if it is the same, it is said once."""
    run = run_of("GuardedCalls", **fields)
    assert run.headline == said and peak in texts(run)


def test_an_outage_after_the_end_is_none() -> None:
    """The verdict says why nothing happens, and speaks of no opening."""
    assert run_of("GuardedCalls", window=60.0).verdict == (
        "0 of 287 orders died. The breaker never opened. The trouble would begin after the end. At "
        "most 1 waited."
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"mail_fails": 1.0},
            "mail heard none, parcel is up to date, audit is 531 behind. Dead letters: mail 590.",
        ),
        (
            {"queue_limit": 1},
            "mail and parcel are up to date, audit is 2 behind. Lost: audit 529.",
        ),
        (
            {"mail_time": 0.01, "mail_fails": 0.7, "retries": 0, "audit_time": 0.0},
            "mail heard 172 of 590, parcel and audit are up to date. Dead letters: mail 418.",
        ),
        (
            {"audit_fails": 1.0},
            "mail and parcel are up to date, audit heard none and is 576 behind. Dead letters: "
            "audit 14.",
        ),
    ],
)
def test_a_subscriber_that_missed_orders_is_not_up_to_date(
    fields: dict[str, Any], said: str
) -> None:
    """Dead, lost and late orders are said of the subscriber that has them."""
    assert run_of("FanOut", **fields).verdict == f"590 orders: {said}"


def test_the_readers_together_do_so_many_times_what_one_does() -> None:
    """A bound on the speed claims no reader to keep up; with one key it is that of one reader."""
    slow = run_of("ReadingTheLog", read_time=1.0).verdict
    assert slow == (
        "2,446 events, 30 % in one of 4 partitions: 4 readers together do at most 3.36 times what "
        "one does without falling behind. 1,970 behind at the end."
    )
    one = run_of("ReadingTheLog", keys=1).verdict
    assert "4 readers together do no more than one does without falling behind." in one


def test_what_was_deleted_before_a_reader_began_was_never_read() -> None:
    """A group that begins in the middle of a log has skipped what was before."""
    run = run_of("ReadingTheLog", retention=5.0, away_from=0.0, away_to=100.0)
    counted = [run.totals[name] for name in ("events", "read", "behind", "lost")]
    assert counted == [2446, 554, 3, 1889]
    late = [
        Record(1.0, "appended", "orders", n, f"event-{n}", "NORMAL", 1, "", 0, 0) for n in range(9)
    ]
    deleted = Record(1.5, "deleted", "orders", 6, "", "NORMAL", 0, "", 0, 0)
    read = Record(2.0, "read", "orders/mail", 6, "event-6", "NORMAL", 1, "A", 0, 0)
    kept = Record(3.0, "committed", "orders/mail", 7, "", "NORMAL", 1, "A", 0, 0)
    analysis = LogAnalysis([*late, deleted, read, kept])
    assert analysis.jumps == {0: [(2.0, 0, 6)]}
    assert (analysis.lost(0), analysis.read(0), analysis.lag(0)) == (6, 1, 2)
    assert LogAnalysis([*late, read, kept]).jumps == {}  # by choice, nothing was deleted


def test_only_readers_that_looked_have_stopped() -> None:
    """Readers that are away know nothing of what was deleted meanwhile."""
    away = {"retention": 20.0, "away_from": 60.0, "out_of_range": "error"}
    assert "stopped" not in run_of("ReadingTheLog", away_to=180.0, **away).verdict
    assert run_of("ReadingTheLog", away_to=100.0, **away).verdict.endswith(" 4 readers stopped.")


def test_mails_and_orders_are_not_mixed() -> None:
    """In a storm an order is mailed many times; title and chart count orders."""
    run = run_of("SharedPartitions", "rebalance storm")
    assert run.headline == "300 mailed twice or more, 0 lost, 1,279 not committed"
    assert "━ twice 300" in texts(run)
    assert "300 were mailed twice or more, 833 mails too many, 0 never will be" in run.verdict
    analysis = GroupAnalysis(run.trace.records, run.until)
    assert (len(analysis.second), len(analysis.again)) == (300, 833)


@pytest.mark.parametrize("what", ["dies", "leaves"])
def test_a_group_without_members_is_said(what: str) -> None:
    """Orders that no member is there to mail are not only behind."""
    run = run_of("SharedPartitions", members=1, what=what)
    assert "1 of 1 member had a partition." in run.verdict
    assert run.verdict.endswith(" No member is left.") and "; no member left" in run.headline


def test_a_member_that_left_at_once_had_no_partition() -> None:
    """It had them for no time; the empty panel says so."""
    run = run_of("SharedPartitions", members=1, what="leaves", at=0.0)
    assert "0 of 1 member had a partition, 1 never." in run.verdict
    assert "no member owned a partition" in texts(run)


def test_what_is_set_after_the_end_did_not_happen() -> None:
    """The verdict says so, since the control says something else."""
    for what in ("dies", "stands still", "leaves"):
        said = run_of("SharedPartitions", what=what, at=1500.0).verdict
        assert f"A {what} only after the end." in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"size": 500, "linger": 10.0},
            ["all 500 items were done at one time: one point, no line"],
        ),
        (
            {"items": 100, "size": 500, "rate": 600.0, "linger": 10.0},
            ["no call was made", "nothing is done yet, so there is no latency"],
        ),
        (
            {"items": 100, "size": 4, "rate": 600.0, "per_call": 0.1},
            ["4 items done: too few for percentiles over time"],
        ),
    ],
)
def test_an_empty_panel_says_why(fields: dict[str, Any], said: list[str]) -> None:
    """A sentence where no line can be; a single point is drawn as one."""
    run = run_of("BatchedWriter", **fields)
    assert set(said) <= set(texts(run))
    board = Dashboard(["latency"])
    board.draw(run)
    (chart,) = board.charts
    lines: Any = chart
    assert (lines.lines[50].get_marker() == "o") and len(lines.lines[50].get_xdata()) == (
        "one point" in said[0]
    )


def test_a_mean_over_a_part_says_so() -> None:
    """Where a tenth or more is not written, the mean is of those that are."""
    assert "4.03 s on average of the 195 written" in run_of("BatchedWriter", size=1).verdict
    assert " written, " not in run_of("BatchedWriter").verdict


def test_a_backlog_that_does_not_grow_is_not_said_to() -> None:
    """Before the first call there is no telling; the cost of bad orders shows in what is left."""
    early = run_of("BatchedWriter", items=100, size=500, rate=600.0, per_item=0.02)
    assert "Backlog" not in early.verdict and early.headline.startswith("No batch is full")
    halves = run_of("BatchedWriter", bad=0.05, on_failure="bisect")
    assert "can write 286; 577 are left." in halves.verdict and "; 577 left" in halves.headline


def test_what_has_no_event_is_missing_in_the_answer() -> None:
    """The states at an hour are those of the events; the verdict says so if some are missing."""
    assert run_of("OrderHistory", "dual write").verdict.startswith("14:00, by the events: ")
    assert run_of("OrderHistory", "outbox").verdict.startswith("14:00: 3 pending, ")
    assert run_of("OrderHistory", hour=0.0).verdict.startswith("00:00, by the events: nothing yet.")
