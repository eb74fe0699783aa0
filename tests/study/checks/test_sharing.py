"""Exercises 09.1 to 09.3: whether their checks can tell right from wrong."""

from __future__ import annotations

import pytest

from mqlearn.streaming.assignment import range_assignment, sticky_assignment
from mqlearn.study.checks import check_assign, check_step_db, check_step_group
from mqlearn.study.checks.assigning import fault
from mqlearn.study.checks.sharing import live
from mqlearn.study.checks.verdict import recall


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
    return {member: list(range(number, partitions, len(members))) for number, member in enumerate(members)}


@pytest.mark.parametrize("wrong", [commits_first, commits_the_last, hands_off])
def test_a_wrong_step_is_caught(wrong) -> None:
    """In at least 20 of the first 25 seeds, and with the run kept for a replay."""
    assert sum(bool(live(wrong, seed, False)[1]) for seed in range(25)) >= 20
    verdict = check_step_group(wrong)
    assert not verdict and verdict.text.startswith("not yet: seed") and "Hint" in verdict.text
    assert recall(verdict.failing_seed).trace.records


@pytest.mark.parametrize("wrong", [offset_to_the_group, remembers_in_the_process, seeks_but_ignores_the_generation])
def test_a_wrong_transaction_is_caught(wrong) -> None:
    """In at least 8 of the first 25 seeds, which is a third."""
    assert sum(bool(live(wrong, seed, True)[1]) for seed in range(25)) >= 8
    assert "was charged again at" in check_step_db(wrong).text


@pytest.mark.parametrize("wrong", [range_assignment, keeps_all, in_the_order_given])
def test_a_wrong_assignment_is_caught(wrong) -> None:
    """In at least 20 of the hundred seeds."""
    assert sum(isinstance(fault(wrong, seed), str) for seed in range(100)) >= 20
    assert not check_assign(wrong)


def test_sticky_passes() -> None:
    """The package's own assignment moves nothing without need."""
    assert check_assign(sticky_assignment).text.startswith("passed: 100 seeds")


@pytest.mark.parametrize(("check", "hint"), [(check_step_group, "consumer.poll"), (check_step_db, "consumer.poll"),
                                             (check_assign, "every member is a key")])
def test_doing_nothing_or_raising_is_told_so(check, hint) -> None:
    """A stub is answered with one hint, an exception with its name."""
    assert hint in check(lambda *_: None).text or "Mapping" in check(lambda *_: None).text
    assert "ZeroDivisionError" in check(lambda *_: 1 / 0).text or "division" in check(lambda *_: 1 / 0).text


def test_a_worked_step_passes() -> None:
    """Handled, then committed, next offset and all: a hundred seeds, over two thousand deaths."""
    def step(consumer, handle):
        for event in consumer.poll(10):
            handle(event)
            consumer.commit({event.partition: event.sequence_number + 1})

    assert check_step_group(step).text.startswith("passed: 100 seeds, 8,000 events")
