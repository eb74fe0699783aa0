"""Assignments agree with those that Kafka's own classes compute."""

import random

import pytest

from mqlearn.streaming.assignment import check_complete, moves, range_assignment, sticky_assignment

THREE = ["C0", "C1", "C2"]
# Computed by RangeAssignor and StickyAssignor of Kafka 4.2, for one topic of four partitions, no
# racks: what three members get, and what is left of it when each of them leaves, and when a fourth
# joins.
KAFKA = {
    range_assignment: {
        "fresh": {"C0": [0, 1], "C1": [2], "C2": [3]},
        "C0 leaves": {"C1": [0, 1], "C2": [2, 3]},
        "C1 leaves": {"C0": [0, 1], "C2": [2, 3]},
        "C2 leaves": {"C0": [0, 1], "C1": [2, 3]},
        "C3 joins": {"C0": [0], "C1": [1], "C2": [2], "C3": [3]},
    },
    sticky_assignment: {
        "fresh": {"C0": [0, 3], "C1": [1], "C2": [2]},
        "C0 leaves": {"C1": [1, 0], "C2": [2, 3]},
        "C1 leaves": {"C0": [0, 3], "C2": [2, 1]},
        "C2 leaves": {"C0": [0, 3], "C1": [1, 2]},
        "C3 joins": {"C0": [0], "C1": [1], "C2": [2], "C3": [3]},
    },
}


@pytest.mark.parametrize("assign", KAFKA, ids=["range", "sticky"])
@pytest.mark.parametrize("case", KAFKA[range_assignment])
def test_three_members_on_four_partitions_get_what_kafka_gives_them(assign, case) -> None:
    """Kafka 4.2's `RangeAssignor` and `StickyAssignor` answer exactly so, list for list."""
    before = KAFKA[assign]["fresh"]
    members = {"fresh": THREE, "C3 joins": [*THREE, "C3"]}.get(
        case, [m for m in THREE if not case.startswith(m)]
    )
    previous = None if case == "fresh" else before
    assert assign(members, 4, previous) == KAFKA[assign][case]


def test_one_of_five_members_gets_nothing() -> None:
    """There are no more workers than partitions: the fifth of five on four is idle."""
    for assign in (range_assignment, sticky_assignment):
        assert sorted(map(len, assign([f"C{i}" for i in range(5)], 4).values())) == [0, 1, 1, 1, 1]


def test_twelve_partitions_over_four_when_one_leaves() -> None:
    """Sticky moves the three partitions that must move; a range moves only those too, or up to
    three more.
    """
    four = [f"C{i}" for i in range(4)]
    counted = {}
    for assign in (range_assignment, sticky_assignment):
        before = assign(four, 12)
        counted[assign] = [
            moves(before, assign([m for m in four if m != gone], 12, before)) for gone in four
        ]
    assert counted == {range_assignment: [6, 4, 4, 6], sticky_assignment: [3, 3, 3, 3]}


def test_any_history_stays_complete_even_and_sticky() -> None:
    """Over random joins and leaves: each partition once, sizes differ by at most one, as few moves
    as can be.
    """
    dice = random.Random(9)
    for _ in range(300):
        partitions, names, before = dice.randint(1, 13), [f"m{i}" for i in range(6)], {}
        for _ in range(5):
            members = dice.sample(names, dice.randint(1, 6))
            for assign in (range_assignment, sticky_assignment):
                owners = check_complete(assign(members, partitions, before), members, partitions)
                sizes = [len(has) for has in owners.values()]
                assert max(sizes) - min(sizes) <= 1
                assert owners == assign(sorted(members), partitions, before)
            kept = sorted((len(before.get(name, [])) for name in members), reverse=True)
            quotas = sorted(sizes, reverse=True)
            fewest = partitions - sum(map(min, kept, quotas))
            unowned = partitions - sum(map(len, before.values()))
            assert moves(before, owners) == fewest - unowned
            before = owners


def test_an_assignment_with_a_hole_is_refused() -> None:
    """A function that forgets a partition, gives it twice or invents a member is told so."""
    for wrong in ({"a": [0]}, {"a": [0, 1, 1]}, {"a": [0, 1], "b": []}):
        with pytest.raises(ValueError, match="an assignment must"):
            check_complete(wrong, ["a"], 2)
