"""Exercises 09.1 and 09.2: their checks pass right answers, and catch and replay wrong ones."""

from __future__ import annotations

from itertools import islice

import pytest

from mqlearn.study.analysis.groups import GroupAnalysis
from mqlearn.study.verdict import recall
from mqlearn.units.consumer_groups.step import (
    STEP_DB,
    STEP_GROUP,
    check_step_db,
    check_step_group,
)


def commits_first(consumer, handle):
    """Events are committed, then handled."""
    events = consumer.poll(10)
    consumer.commit()
    for event in events:
        handle(event)


def commits_the_last(consumer, handle):
    """One too few."""
    for event in consumer.poll(10):
        handle(event)
        consumer.commit({event.partition: event.sequence_number})


def hands_off(consumer, handle):
    """Events are committed now, and handled a step later."""
    waiting = consumer.__dict__.setdefault("waiting", [])
    polled = consumer.poll(10)
    consumer.commit()
    for event in waiting:
        handle(event)
    waiting[:] = polled


def offset_to_the_group(consumer, db):
    """The effect in the database, the offset elsewhere."""
    for event in consumer.poll(10):
        with db.transaction() as tx:
            tx.charge(event)
        consumer.commit({event.partition: event.sequence_number + 1})


def remembers_in_the_process(consumer, db):
    """The charged events are known to the process alone."""
    seen = consumer.__dict__.setdefault("seen", set())
    for event in consumer.poll(10):
        if event.event_id not in seen:
            with db.transaction() as tx:
                tx.charge(event)
            seen.add(event.event_id)
    consumer.commit()


def seeks_but_ignores_the_generation(consumer, db):
    """The offset is in the database, and is looked at only when partitions were assigned."""
    events = consumer.poll(10)
    if events and consumer.__dict__.get("known") != consumer.generation:
        consumer.__dict__["known"] = consumer.generation
        with db.transaction() as tx:
            wanted = {partition: tx.get(partition, 0) for partition in consumer.position}
        for partition, offset in wanted.items():
            consumer.seek(partition, offset)
        return
    for event in events:
        with db.transaction() as tx:
            tx.charge(event)
            tx.put(event.partition, event.sequence_number + 1)


def commits_seldom(consumer, handle):
    """Every fifth time."""
    consumer.__dict__["steps"] = steps = consumer.__dict__.get("steps", 0) + 1
    for event in consumer.poll(10):
        handle(event)
    if steps % 5 == 0:
        consumer.commit()


def asks_too_early(consumer, db):
    """One transaction asks if the event was charged, another charges it; a member may stand still
    in between.
    """
    for event in consumer.poll(10):
        with db.transaction() as tx:
            next_one = tx.get(event.partition, 0)
        if event.sequence_number >= next_one:
            with db.transaction() as tx:
                tx.charge(event)
                tx.put(event.partition, event.sequence_number + 1)
    consumer.commit()


def caught_in_20(exercise, fn) -> bool:
    """Find a mistake in 20 of the hundred seeds; the seeds after those 20 are not played."""
    worlds = (exercise.play(fn, seed) for seed in range(100))
    wrong = (world for world in worlds if any(exercise.mistakes(world)))
    return sum(1 for _ in islice(wrong, 20)) == 20


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (commits_first, "died with it at"),
        (commits_the_last, "not committed at the end"),
        (hands_off, "died with it at"),
        (commits_seldom, "events done and not committed"),
    ],
)
def test_a_wrong_step_is_caught(wrong, said) -> None:
    """In 20 of the hundred seeds (counted to the end: 98, 100, 100, 69), and with the run kept for
    a replay.
    """
    assert caught_in_20(STEP_GROUP, wrong)
    verdict = check_step_group(wrong)
    assert (
        verdict.text.startswith("not yet: seed") and said in verdict.text and "Hint" in verdict.text
    )
    run = recall(verdict.failing_seed)
    assert run.verdict[:-1] in verdict.text and run.charts == (
        "owners",
        "lag_by_partition",
        "repeats",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        offset_to_the_group,
        remembers_in_the_process,
        seeks_but_ignores_the_generation,
        asks_too_early,
    ],
)
def test_a_wrong_transaction_is_caught(wrong) -> None:
    """In 20 of the hundred seeds (counted to the end: 100, 99, 78, 35)."""
    assert caught_in_20(STEP_DB, wrong)
    assert "was charged again at" in check_step_db(wrong).text


def test_a_replay_shows_what_the_verdict_says() -> None:
    """A loss and a repeat are counted in the run that is kept; a member that died is silent."""
    lost = GroupAnalysis(recall(check_step_group(commits_first).failing_seed).trace.records, 75.0)
    assert lost.lost and not lost.again and lost.silent and set(lost.members) == {"A", "B"}
    again = GroupAnalysis(
        recall(check_step_db(offset_to_the_group).failing_seed).trace.records, 75.0
    )
    assert again.again and not again.lost


def test_no_run_is_kept_where_there_is_nothing_to_see() -> None:
    """A function that does nothing: the sentence says it all."""
    assert check_step_group(lambda *_: None).failing_seed is None


def test_what_is_never_charged_is_hinted_at() -> None:
    """One key for both partitions, or `>` where `>=` is right: the first of a partition falls
    through.
    """

    def one_key(consumer, db):
        for event in consumer.poll(10):
            with db.transaction() as tx:
                if event.sequence_number >= tx.get("offset", 0):
                    tx.charge(event)
                    tx.put("offset", event.sequence_number + 1)
        consumer.commit()

    said = check_step_db(one_key).text
    assert "was never charged" in said and "first of its partition" in said


def test_a_loop_without_end_is_stopped() -> None:
    """A step that asks again and again in one instant is told so."""

    def asks_forever(consumer, handle):
        while True:
            for event in consumer.poll(10, timeout=0):
                handle(event)
            consumer.commit()

    assert "made 1,000 calls" in check_step_group(asks_forever).text


@pytest.mark.parametrize(
    ("check", "hint"),
    [
        (check_step_group, "consumer.poll"),
        (check_step_db, "consumer.poll"),
    ],
)
def test_doing_nothing_or_raising_is_told_so(check, hint) -> None:
    """A stub is answered with one hint, an exception with its name."""
    assert hint in check(lambda *_: None).text
    assert "ZeroDivisionError" in check(lambda *_: 1 / 0).text


def test_a_worked_step_passes() -> None:
    """Handled, then committed, next offset and all: a hundred seeds, over a thousand deaths."""

    def step(consumer, handle):
        for event in consumer.poll(10):
            handle(event)
            consumer.commit({event.partition: event.sequence_number + 1})

    assert check_step_group(step).text.startswith("passed: 100 seeds, 6,000 events")


def test_a_worked_transaction_passes() -> None:
    """The offset is kept with the charge, and asked inside: a zombie charges nothing twice."""

    def step(consumer, db):
        for event in consumer.poll(10):
            with db.transaction() as tx:
                if event.sequence_number >= tx.get(event.partition, 0):
                    tx.charge(event)
                    tx.put(event.partition, event.sequence_number + 1)
        consumer.commit()

    assert check_step_db(step).text.startswith("passed: 100 seeds, 6,000 events")


def test_an_exception_is_answered_with_what_the_calls_take() -> None:
    """One event where a poll may return none, a charge that is none of the database's."""

    def one(consumer, handle):
        (event,) = consumer.poll(1)
        handle(event)

    def no_transaction(consumer, db):
        for event in consumer.poll(10):
            db.charge(event)

    assert "`poll` may return no event" in check_step_group(one).text
    assert "with db.transaction() as tx" in check_step_db(no_transaction).text
