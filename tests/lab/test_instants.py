"""The step-through of a log: what each partition holds at one instant, how far it is read, its
owner.
"""

from typing import Any

import pytest

from mqlearn.lab import Lab, show
from mqlearn.lab.instants import LogPicture, QueuePicture, instant_picture
from mqlearn.lab.instants.frames import short_id
from mqlearn.lab.style import PAPER
from mqlearn.study.analysis.instants import DONE, DONE_AGAIN, IN_HAND, NEVER_READ, WAITING, LogAt
from mqlearn.study.run import Run
from mqlearn.units.consumer_groups.scenario import SharedPartitions
from mqlearn.units.event_sourcing.scenario import OrderHistory
from mqlearn.units.event_streams.scenario import ReadingTheLog
from mqlearn.units.publish_subscribe.scenario import FanOut

FELL = ReadingTheLog(arrivals="regular", **ReadingTheLog.PRESETS["the reader that fell off"]).run(0)
DYING = SharedPartitions(arrivals="regular", **SharedPartitions.PRESETS["one dies mid-batch"])


def drawn(run: Run, time: float) -> LogPicture:
    """The picture as the lab shows it."""
    picture = LogPicture()
    picture.draw(run, time)
    return picture


def extents(picture: LogPicture, kind: str) -> list[tuple[int, int]]:
    """The first and last pixel column of each shape of one kind, from the top down."""
    boxes = [path.get_extents() for path in picture.shapes[kind][0].get_paths()]
    return [
        (round(box.x0 * picture.canvas.width), round(box.x1 * picture.canvas.width))
        for box in boxes
    ]


def test_a_reader_is_where_it_committed_and_holds_one_event() -> None:
    """At 10 s all is read but what is in hand; a stroke stands where the reader will go on."""
    for place in LogAt(FELL.trace.records, 10.0).partitions.values():
        assert (
            place.committed == place.at_work == place.end - len(place.in_hand)
            and len(place.in_hand) <= 1
        )
        assert [state for state, *_ in place.stretches()] == [DONE, IN_HAND][
            : 1 + len(place.in_hand)
        ]


def test_what_was_dropped_unread_is_seen_while_the_reader_is_away_and_after() -> None:
    """At 69 s it is gone and the reader does not know; at 72 s it has skipped it and reads on."""
    away = LogAt(FELL.trace.records, 69.0).partitions[2]
    assert away.committed < away.start and [piece[0] for piece in away.stretches()] == [
        NEVER_READ,
        WAITING,
    ]
    assert away.stretches()[0] == (NEVER_READ, away.committed, away.start)
    back = LogAt(FELL.trace.records, 72.0).partitions[2]
    assert back.stretches()[0][:2] == (NEVER_READ, away.committed) and back.committed > back.start
    assert back.state(away.committed - 1) == DONE and back.state(back.end - 1) == WAITING


def test_the_batch_of_a_dead_member_is_done_again_by_the_next_owner() -> None:
    """A dies at 40 s and is evicted at 49 s; its partition has no owner until the next one begins,
    at A's commit.
    """
    run = DYING.run(0)
    before, dead, orphan, after = (
        LogAt(run.trace.records, time) for time in (39.0, 45.0, 55.0, 119.0)
    )
    assert before.silent == [] and dead.silent == ["A"] and dead.members == ["A", "B", "C", "D"]
    assert dead.partitions[0].owner == "A" and dead.partitions[0].in_hand
    assert (
        orphan.partitions[0].owner == ""
        and not orphan.partitions[0].in_hand
        and orphan.members == ["B", "C", "D"]
    )
    done = [
        offset
        for offset, times in orphan.partitions[0].times.items()
        if offset >= orphan.partitions[0].committed
    ]
    assert done == list(range(200, 200 + len(done))) and len(done) == run.totals["twice"]
    taken_over = after.partitions[0]
    assert (DONE_AGAIN, 200, 200 + len(done)) in taken_over.stretches()
    assert taken_over.owner != "A"


def test_what_was_committed_before_it_was_done_is_never_read() -> None:
    """The rest of A's batch, once A is out of the group."""
    run = SharedPartitions(
        **{**SharedPartitions.PRESETS["one dies mid-batch"], "commit": "before"}
    ).run(0)
    lost = [
        piece
        for piece in LogAt(run.trace.records, 119.0).partitions[0].stretches()
        if piece[0] == NEVER_READ
    ]
    assert sum(after - first for _, first, after in lost) == run.totals["lost"] > 0


def test_the_places_at_the_end_are_those_of_the_charts() -> None:
    """Lag, done twice, lost: the same numbers as the run's own."""
    for run in (FELL, DYING.run(0), SharedPartitions(**SharedPartitions.PRESETS["zombie"]).run(0)):
        places = LogAt(run.trace.records, run.until).partitions.values()
        assert sum(place.lag for place in places) == run.totals["behind"]
        assert sum(place.end for place in places) == run.totals["events"]
        if "twice" in run.totals:
            assert (
                sum(times > 1 for place in places for times in place.times.values())
                == run.totals["twice"]
            )


def test_the_picture_shows_bars_strokes_owners_and_the_next_events() -> None:
    """At 45 s: A hatched; a stroke through each bar where it is committed; two done, the one at
    work, the rest.
    """
    picture = drawn(DYING.run(0), 45.0)
    place = picture.now.partitions[0]
    pitch = (picture.canvas.width - 8 - 150) / picture.scale
    assert extents(picture, "rails")[0] == pytest.approx((150, 150 + place.end * pitch), abs=1.5)
    assert sum(extents(picture, "strokes")[0]) / 2 == pytest.approx(
        150 + place.committed * pitch, abs=1.5
    )
    assert [label.text for label in picture.owners[:4]] == ["A", "B", "C", "D"] and len(
        extents(picture, "silent")
    ) == 1
    assert (
        "silent (hatched): A" in picture.group_line.text
        and "generation 1" in picture.group_line.text
    )
    ids = [short_id(place.ids[offset]) for offset in range(place.at_work - 2, place.at_work + 6)]
    assert [label.text for label in picture.ids[:8]] == ids
    assert [label.color == PAPER for label in picture.ids[:8]] == [False, False, *[True] * 6]
    assert [label.text for label in picture.numbers[:3]] == [
        f"holds 0 to {place.end}",
        "committed 200",
        f"{place.lag} behind",
    ]


def test_one_picture_is_drawn_over_and_over() -> None:
    """Nothing of an instant, or of a run with more partitions, is left in the next."""
    picture = LogPicture()
    picture.draw(ReadingTheLog(partitions=12).run(0), 60.0)
    picture.draw(FELL, 72.0)
    again = picture.canvas.pixels().copy()
    assert (again == drawn(FELL, 72.0).canvas.pixels()).all()


@pytest.mark.parametrize(
    "run",
    [
        FELL,
        DYING.run(0),
        SharedPartitions(partitions=8, members=7).run(0),
        ReadingTheLog(partitions=12, big=0.95, rate=50.0, window=180.0, read_time=1.0).run(0),
        SharedPartitions(
            backlog=4000, mail_time=2.0, rate=40.0, partitions=1, window=300.0, members=7
        ).run(0),
    ],
    ids=["fell", "dying", "8", "12", "1"],
)
@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_no_label_leaves_the_picture_or_runs_into_a_bar(run: Run, share: float) -> None:
    """Whatever the numbers."""
    picture = drawn(run, share * run.until)
    canvas = picture.canvas
    for label in canvas._labels:
        width = canvas.measure(label.text, size=label.size, bold=label.weight == "bold")
        left = label.x - {"left": 0.0, "center": width / 2, "right": width}[label.ha]
        assert label.text == "" or (
            left >= 0 and left + width <= canvas.width and label.y <= canvas.height
        ), label.text
        if label in picture.numbers and label.x == 4:
            assert left + width <= 150, label.text


def test_the_lab_and_show_choose_the_picture_by_what_a_run_contains(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log's own, where there is no queue; its sentence tells each partition."""
    assert instant_picture(FanOut().run(0)) is QueuePicture
    assert instant_picture(OrderHistory().run(0)) is LogPicture
    lab = Lab(SharedPartitions)
    lab.step(20.0)
    assert isinstance(lab._ui._instant, LogPicture)
    assert (
        lab.sentence.startswith("At 20 s: partition 0 (A) holds 0 to ")
        and " in hand; " in lab.sentence
    )
    before = lab.png()
    lab._ui.player.next.click()
    assert lab.png() != before and lab._ui.time > 20.0  # type: ignore[operator]
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda picture, **_: shown.append(picture))
    show(FELL, at=72.0)
    assert "committed" in capsys.readouterr().out and shown[0]["image/png"].startswith(b"\x89PNG")


def test_a_log_that_no_group_reads_says_so() -> None:
    """No stroke, no owner, and blocks with the order and the number of its change."""
    picture = drawn(OrderHistory().run(0), 50_000.0)
    assert picture.group_line.text.endswith("; no group reads this log")
    assert extents(picture, "strokes") == []
    assert "/" in picture.ids[0].text and picture.owners[0].text == ""


def test_what_happened_last_is_told_in_the_words_of_a_log() -> None:
    """Appended, read, committed, and who owns what; of several queues it is said that they are
    several.
    """
    assert "A-0 owns partition 0" in drawn(SharedPartitions(backlog=0).run(0), 0.0).sentence
    told = drawn(DYING.run(0), 49.0).sentence
    assert (
        "A-0 gives up partition 0" in told
        and "A-0 was put out of the group: session timeout" in told
    )
    finished = next(record.time for record in FELL.trace.records if record.event == "finished")
    assert "is done with event-" in drawn(FELL, finished).sentence
    picture = QueuePicture()
    picture.draw(FanOut().run(0), 30.0)
    assert picture.waiting.name.text == "Waiting, in 3 queues"
