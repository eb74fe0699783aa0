"""The assignment of partitions to the members of a group: functions without any state or effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from mqlearn.runtime import check

Owners = dict[str, list[int]]  # the partitions of each member, by the member's id
Previous = Mapping[str, Sequence[int]]
Assignor = Callable[[list[str], int, Previous], Mapping[str, Sequence[int]]]


def range_assignment(
    members: Iterable[str], partitions: int, previous: Previous | None = None
) -> Owners:
    """Assign contiguous ranges of the partitions 0 to `partitions` − 1, in the order of the
    members' names.

    If the division leaves a remainder, the first ranges are one longer. The earlier assignment
    (`previous`) is ignored, so one member more or fewer may move nearly all partitions. If there
    are more members than partitions, the last members get none.

    Source: Apache Kafka, `RangeAssignor`.
    """
    names = _names(members, partitions, previous)
    partitions = int(partitions)  # checked; a number of numpy would end up in the answer
    owners: Owners = {}
    start = 0
    for name, quota in zip(names, _quotas(len(names), partitions), strict=True):
        owners[name] = list(range(start, start + quota))
        start += quota
    return owners


def sticky_assignment(
    members: Iterable[str], partitions: int, previous: Previous | None = None
) -> Owners:
    """Assign as evenly as `range_assignment`, but move as few partitions as possible.

    Each member keeps the partitions it had (`previous`), up to its share; the members that had the
    most get the larger shares. The other partitions are assigned one by one, each to the member
    that has the fewest, in the order of names.

    Source: Apache Kafka, `StickyAssignor`, for members that all read the same one topic.
    """
    names = _names(members, partitions, previous)
    kept = _kept(names, partitions, previous or {})
    # a member that keeps more needs the larger share, or it would have to give one up
    richest_first = sorted(names, key=lambda name: -len(kept[name]))
    quotas = dict(zip(richest_first, _quotas(len(names), partitions), strict=True))
    owners = {name: kept[name][: quotas[name]] for name in names}
    # the rest: partitions beyond a member's share, and those of members that are gone
    owned = {partition for had in owners.values() for partition in had}
    for partition in range(partitions if names else 0):
        if partition not in owned:
            # `min` takes the first of several equal ones: that gives the order of names
            min(owners.values(), key=len).append(partition)
    return owners


ASSIGNORS: dict[str, Callable[..., Owners]] = {
    "range": range_assignment,
    "sticky": sticky_assignment,
}


def moves(before: Previous, after: Previous) -> int:
    """Return how many partitions have another owner in `after` than in `before`. A partition
    without an owner in `before` has not moved.
    """
    check.instance("before", before, Mapping)
    check.instance("after", after, Mapping)
    was = {partition: name for name, had in before.items() for partition in had}
    return sum(was.get(partition, name) != name for name, has in after.items() for partition in has)


def check_complete(
    owners: Mapping[str, Sequence[int]], members: Iterable[str], partitions: int
) -> Owners:
    """Return the `owners` that an assignor returned as lists of Python's own integers, if they name
    every member and every partition has exactly one owner.

    Raises ValueError or TypeError if not.
    """
    check.instance("owners", owners, Mapping)
    names = sorted(members)
    if set(owners) != set(names):
        raise ValueError(
            f"an assignment must name the members {check.short_repr(names)}, got "
            f"{check.short_repr(list(owners))}"
        )
    # read once, since an answer may be an iterator, and not further than one value too many, since
    # it may have no end
    answer = {name: list(islice(owners[name], partitions + 1)) for name in owners}
    complete = {
        name: [check.whole("each partition in owners", partition) for partition in has]
        for name, has in answer.items()
    }
    if sorted(p for has in complete.values() for p in has) != list(range(partitions)):
        raise ValueError(
            f"an assignment must give each of {partitions} partitions to one member, "
            f"got {check.short_repr(complete)}"
        )
    return complete


def _quotas(members: int, partitions: int) -> list[int]:
    """Return the number of partitions for each of `members`: they differ by at most one, the larger
    ones first.
    """
    return [partitions // members + (i < partitions % members) for i in range(members)]


def _kept(names: list[str], partitions: int, previous: Previous) -> Owners:
    """Return the partitions that each member had before and may keep. If two members had the same
    one, the first of them keeps it.
    """
    taken: set[int] = set()
    kept: Owners = {name: [] for name in names}
    for name in names:
        for partition in previous.get(name, ()):
            # `previous` comes from the caller: it may have partitions that do not exist, or one of
            # them twice
            if partition in range(partitions) and partition not in taken:
                taken.add(partition)
                kept[name].append(int(partition))
    return kept


def _names(members: Iterable[str], partitions: int, previous: Previous | None) -> list[str]:
    """Return the members sorted, so that the assignment does not depend on the order of joining."""
    check.instance("members", members, Iterable)
    # a text is iterable too, and would be read as one member per letter
    if isinstance(members, str):
        raise TypeError(f"members must be several names, got {check.short_repr(members)}")
    names = list(members)
    for name in names:
        check.instance("members", name, str)
    if len(set(names)) < len(names):
        raise ValueError(
            f"members must be different from one another, got {check.short_repr(names)}"
        )
    check.whole("partitions", partitions)
    check.instance("previous", previous, Mapping, optional=True)
    return sorted(names)
