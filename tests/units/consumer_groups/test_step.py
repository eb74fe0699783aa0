"""Exercises 09.1 to 09.3: whether their checks can tell right from wrong."""

from __future__ import annotations

from itertools import islice

import pytest

from mqlearn.streaming.assignment import range_assignment, sticky_assignment
from mqlearn.study.analysis.groups import GroupAnalysis
from mqlearn.study.exercise import Mistake
from mqlearn.study.verdict import recall
from mqlearn.units.consumer_groups.assign import check_assign, fault
from mqlearn.units.consumer_groups.step import check_step_db, check_step_group, live


def commits_first(consumer, handle):
    """What is polled is committed, then handled."""
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
    """What was polled is handled a step later, and committed now."""
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
    """What was charged is known to the process alone."""
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


def keeps_all(members, partitions, previous):
    """Sticky, and nobody gives anything to a newcomer."""
    owners = {member: list(previous.get(member, ())) for member in sorted(members)}
    owned = {partition for has in owners.values() for partition in has}
    for partition in range(partitions):
        if partition not in owned:
            min(owners.values(), key=len).append(partition)
    return owners


def in_the_order_given(members, partitions, previous):
    """Dealt out anew, to whoever is named first."""
    return {
        member: list(range(number, partitions, len(members)))
        for number, member in enumerate(members)
    }


def commits_seldom(consumer, handle):
    """Every fifth time."""
    consumer.__dict__["steps"] = steps = consumer.__dict__.get("steps", 0) + 1
    for event in consumer.poll(10):
        handle(event)
    if steps % 5 == 0:
        consumer.commit()


def asks_too_early(consumer, db):
    """Whether it was charged is asked in a transaction of its own; a member may stand still before
    the next.
    """
    for event in consumer.poll(10):
        with db.transaction() as tx:
            next_one = tx.get(event.partition, 0)
        if event.sequence_number >= next_one:
            with db.transaction() as tx:
                tx.charge(event)
                tx.put(event.partition, event.sequence_number + 1)
    consumer.commit()


def takes_the_larger_share_by_name(members, partitions, previous):
    """Sticky, but not to whom had most."""
    owners = {member: list(previous.get(member, ())) for member in sorted(members)}
    small, large = divmod(partitions, len(members))
    for rank, owned in enumerate(owners.values()):
        del owned[small + (rank < large) :]
    owned = {partition for has in owners.values() for partition in has}
    for partition in range(partitions):
        if partition not in owned:
            min(owners.values(), key=len).append(partition)
    return owners


def caught(faults) -> bool:
    """Whether 20 of the hundred seeds tell; the seeds after those 20 are not played."""
    return sum(1 for _ in islice((seed for seed in range(100) if faults(seed)), 20)) == 20


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
    assert caught(lambda seed: live(wrong, seed, False)[1])
    verdict = check_step_group(wrong)
    assert (
        verdict.text.startswith("not yet: seed") and said in verdict.text and "Hint" in verdict.text
    )
    run = recall(verdict.failing_seed)
    assert run.verdict[:-1] in verdict.text and run.scenario.REPLAYS == (
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
    assert caught(lambda seed: live(wrong, seed, True)[1])
    assert "was charged again at" in check_step_db(wrong).text


@pytest.mark.parametrize(
    "wrong", [range_assignment, keeps_all, in_the_order_given, takes_the_larger_share_by_name]
)
def test_a_wrong_assignment_is_caught(wrong) -> None:
    """In 20 of the hundred seeds (counted to the end: 91, 100, 100, 56)."""
    assert caught(lambda seed: isinstance(fault(wrong, seed), Mistake))
    assert not check_assign(wrong)


def test_a_replay_shows_what_the_verdict_says() -> None:
    """A loss and a repeat are counted in the run that is kept; hatched is who died, and 09.3 has
    its ribbons.
    """
    lost = GroupAnalysis(recall(check_step_group(commits_first).failing_seed).trace.records, 75.0)
    assert lost.lost and not lost.again and lost.silent and set(lost.members) == {"A", "B"}
    again = GroupAnalysis(
        recall(check_step_db(offset_to_the_group).failing_seed).trace.records, 75.0
    )
    assert again.again and not again.lost
    run = recall(check_assign(keeps_all).failing_seed)
    last = [
        owned
        for owned in GroupAnalysis(run.trace.records, run.until).owned
        if owned.end == run.until
    ]
    assert run.verdict == "seed 0: K joins, and the members have [4, 0]."
    assert [owned.member for owned in last] == ["G"] * 4


def test_no_run_is_kept_where_there_is_nothing_to_see() -> None:
    """Another order of members, a function that returns nothing: the sentence says it all."""
    verdict = check_assign(in_the_order_given)
    assert verdict.failing_seed is None and "with the same members in another order" in verdict.text
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

    def asks_for_ever(consumer, handle):
        while True:
            for event in consumer.poll(10, timeout=0):
                handle(event)
            consumer.commit()

    assert "made 1,000 calls" in check_step_group(asks_for_ever).text


def test_sticky_passes() -> None:
    """The package's own assignment moves nothing without need."""
    assert check_assign(sticky_assignment).text.startswith("passed: 100 seeds")


@pytest.mark.parametrize(
    ("check", "hint"),
    [
        (check_step_group, "consumer.poll"),
        (check_step_db, "consumer.poll"),
        (check_assign, "every member is a key"),
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
    """The offset is kept with the charge, and asked inside: nothing is charged twice, whoever comes
    back.
    """

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
