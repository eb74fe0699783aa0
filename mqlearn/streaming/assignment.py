"""Who reads which partition: pure functions of the members and the partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mqlearn.runtime import check

Owners = dict[str, list[int]]  # each member with its partitions
Previous = Mapping[str, Sequence[int]]
Assignor = Callable[[list[str], int, Previous], Mapping[str, Sequence[int]]]


def range_assignment(
    members: Iterable[str], partitions: int, previous: Previous | None = None
) -> Owners:
    """Contiguous ranges of partitions 0 to `partitions` − 1, in the order of the members' names.

    The first ranges are one longer where it does not come out even. What was before (`previous`)
    does not matter, so one member more or fewer may move nearly everything. Members beyond the
    partitions get none.

    Source: Apache Kafka, `RangeAssignor`.
    """
    names = _names(members, partitions, previous)
    owners: Owners = {}
    start = 0
    for name, quota in zip(names, _quotas(len(names), partitions), strict=True):
        owners[name] = list(range(start, start + quota))
        start += quota
    return owners


def sticky_assignment(
    members: Iterable[str], partitions: int, previous: Previous | None = None
) -> Owners:
    """As even as a range, but whoever had a partition before keeps it where possible: the fewest
    that can move, move.

    Each member keeps what it had, up to its share; whoever kept most gets the larger shares. The
    rest is dealt out, one by one, to whoever has least, in the order of names.

    Source: Apache Kafka, `StickyAssignor`, for members that all read the same one topic.
    """
    names = _names(members, partitions, previous)
    kept = _kept(names, partitions, previous or {})
    richest_first = sorted(names, key=lambda name: -len(kept[name]))
    quotas = dict(zip(richest_first, _quotas(len(names), partitions), strict=True))
    owners = {name: kept[name][: quotas[name]] for name in names}
    owned = {partition for had in owners.values() for partition in had}
    for partition in range(partitions if names else 0):
        if partition not in owned:
            min(owners.values(), key=len).append(partition)
    return owners


ASSIGNORS: dict[str, Callable[..., Owners]] = {
    "range": range_assignment,
    "sticky": sticky_assignment,
}


def moves(before: Previous, after: Previous) -> int:
    """How many partitions have another owner after than before; one that had none has not moved."""
    check.instance("before", before, Mapping)
    check.instance("after", after, Mapping)
    was = {partition: name for name, had in before.items() for partition in had}
    return sum(was.get(partition, name) != name for name, has in after.items() for partition in has)


def complete(
    owners: Mapping[str, Sequence[int]], members: Iterable[str], partitions: int
) -> Owners:
    """`owners` as an assignor returned it, if every member is in it and every partition has exactly
    one owner.

    Raises ValueError if not.
    """
    check.instance("owners", owners, Mapping)
    if sorted(owners) != sorted(members):
        raise ValueError(
            f"an assignment must name the members {sorted(members)}, got {sorted(owners)}"
        )
    if sorted(p for has in owners.values() for p in has) != list(range(partitions)):
        raise ValueError(
            f"an assignment must give each of {partitions} partitions to one member, "
            f"got {dict(owners)}"
        )
    return {name: list(owners[name]) for name in owners}


def _quotas(members: int, partitions: int) -> list[int]:
    """The sizes that come nearest to even, the larger first."""
    return [partitions // members + (i < partitions % members) for i in range(members)]


def _kept(names: list[str], partitions: int, previous: Previous) -> Owners:
    """What each of the members had; of two that claim the same partition the first."""
    taken: set[int] = set()
    kept: Owners = {name: [] for name in names}
    for name in names:
        for partition in previous.get(name, ()):
            if partition in range(partitions) and partition not in taken:
                taken.add(partition)
                kept[name].append(partition)
    return kept


def _names(members: Iterable[str], partitions: int, previous: Previous | None) -> list[str]:
    """The members in order, so that an answer does not depend on who asks first."""
    check.instance("members", members, Iterable)
    if isinstance(members, str):
        raise TypeError(f"members must be several names, got {members!r}")
    names = list(members)
    for name in names:
        check.instance("members", name, str)
    if len(set(names)) < len(names):
        raise ValueError(f"members must be different from one another, got {names}")
    check.whole("partitions", partitions)
    check.instance("previous", previous, Mapping, optional=True)
    return sorted(names)
