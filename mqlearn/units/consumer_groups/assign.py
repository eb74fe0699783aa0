"""Exercise 09.3: deal partitions out evenly, and move as few as can be."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from mqlearn.runtime.trace import Trace
from mqlearn.streaming.assignment import check_complete, moves
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, no_function
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict, passed

CHANGES = 8  # joins and leaves in each seed
APART = 10.0  # s between two of them, in a replay
NAMES = "ABCDEFGHIJKL"
WHOLE = "every member is a key, every partition has one owner, from the first call on"
Owners = dict[str, list[int]]


@dataclass
class Ribbons:
    """What a seed's calls answered, as the records of a group that rebalances every 10 s."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("owners",)
    partitions: int
    trace: Trace = field(default_factory=Trace)
    _before: Owners = field(default_factory=dict)
    _generation: int = 0

    def __post_init__(self) -> None:
        for partition in range(self.partitions):
            self._note("appended", 0, f"order-{partition}", partition)

    def add(self, owners: Owners) -> None:
        """One more generation begins."""
        self._generation += 1
        for member in (each for each in owners if each not in self._before):
            self._note("joined", self._generation, member, None)
        for event, dealt in (("revoked", self._before), ("assigned", owners)):
            for member, owned in dealt.items():
                self._note(event, self._generation, member, tuple(owned))
        self._before = owners

    def run(self, seed: int, said: str) -> Run:
        """The run so far."""
        return Run(self, seed, self.trace, APART * self._generation, {}, f"seed {seed}: {said}.")

    def _note(self, event: str, entry: int, name: str, detail: object) -> None:
        now = APART * max(self._generation - 1, 0)
        self.trace.note(
            now, event, "orders/members", entry=entry, message_id=name, worker=name, detail=detail
        )


def check_assign(assign: Callable[..., Any]) -> Verdict:
    """The answer to `assign(members, partitions, previous) -> dict`, over a hundred seeds of joins
    and leaves.
    """
    if not callable(assign):
        return no_function(assign)
    moved = 0
    for seed in SEEDS:
        said = fault(assign, seed)
        if isinstance(said, Mistake):
            return said.verdict(seed)
        moved += said
    return passed(
        f"{len(SEEDS)} seeds, {len(SEEDS) * CHANGES} joins and leaves, {moved:,} "
        "partitions moved and none "
        "without need"
    )


def fault(assign: Callable[..., Any], seed: int) -> Mistake | int:
    """What is wrong in this seed; or how many partitions were moved. The first seeds have few
    partitions.
    """
    dice = random.Random(f"members {seed}")
    partitions, total = 4 + seed % 9, 0
    unborn = dice.sample(NAMES, len(NAMES))
    members = [unborn.pop() for _ in range(dice.randint(2, 3))]
    before: Owners = {}
    ribbons, change = Ribbons(partitions), f"{len(members)} members begin"
    for _ in range(CHANGES):
        found = _answer(assign, members, partitions, before)
        if isinstance(found, Mistake):
            return found
        other = _answer(assign, members[::-1], partitions, before)
        if isinstance(other, Mistake):
            return other
        ribbons.add(found)
        if (wrong := _unordered(found, other, members)) is not None:
            return wrong
        if (wrong := _uneven(found, change) or _moved(before, found, change)) is not None:
            return Mistake(wrong.said, wrong.hint, partial(ribbons.run, seed, wrong.said))
        total, before = total + moves(before, found), found
        if len(members) > 1 and dice.random() < 0.5:
            members.remove(gone := dice.choice(members))
            change = f"{gone} leaves"
        else:
            members.append(unborn.pop())
            change = f"{members[-1]} joins"
    return total


def _answer(
    assign: Callable[..., Any], members: list[str], partitions: int, before: Owners
) -> Owners | Mistake:
    """A whole assignment, or what is not whole about it."""
    call = f"{len(members)} members on {partitions} partitions"
    answer = call_answer(
        assign, list(members), partitions, {member: list(owned) for member, owned in before.items()}
    )
    if answer.error is not None or not isinstance(answer.value, dict):
        return Mistake(f"{call}: expected a dict of the partitions of each member, {answer}", WHOLE)
    try:
        return check_complete(answer.value, members, partitions)
    except Exception as error:  # told in words, not raised
        return Mistake(f"{call}: {error}", WHOLE)


def _uneven(owners: Owners, change: str) -> Mistake | None:
    sizes = sorted(map(len, owners.values()), reverse=True)
    if sizes[0] - sizes[-1] <= 1:
        return None
    return Mistake(
        f"{change}, and the members have {sizes}",
        "the largest and the smallest share differ by at most one",
    )


def _unordered(owners: Owners, other: Owners, members: list[str]) -> Mistake | None:
    for member in members:
        if sorted(owners[member]) != sorted(other[member]):
            return Mistake(
                f"with {members} member {member} gets {sorted(owners[member])}, with the "
                "same members in "
                f"another order, {members[::-1]}, it gets {sorted(other[member])}",
                "sort first",
            )
    return None


def _moved(before: Owners, after: Owners, change: str) -> Mistake | None:
    sizes = sorted(map(len, after.values()), reverse=True)
    kept = sorted((len(before.get(member, ())) for member in after), reverse=True)
    least = sum(map(len, before.values())) - sum(map(min, kept, sizes))
    if (count := moves(before, after)) <= least:
        return None
    return Mistake(
        f"{change}, and {count} partition{'' if count == 1 else 's'} changed hands; "
        f"{least} would do",
        "who had a partition keeps it, up to its share",
    )
