"""Exercise 09.3: assign partitions evenly to members, and move as few of them as possible."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from mqlearn.runtime.trace import Trace
from mqlearn.streaming.assignment import check_complete, moves
from mqlearn.study.exercise import Exercise, Mistake, call_answer
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_count

CHANGES = 8  # joins and leaves in each seed
APART = 10.0  # s between two of them, in a replay
NAMES = "ABCDEFGHIJKL"
WHOLE = "every member is a key, every partition has one owner, from the first call on"
Owners = dict[str, list[int]]


class Rebalance(NamedTuple):
    """One join or leave: the members after it, the owners before and after it, and the owners after
    it if the same members are given in the opposite order (`reordered`).

    `mistake` is the reason why an answer is not a complete assignment; its owners are then {}.
    """

    change: str
    members: list[str]
    before: Owners
    owners: Owners
    reordered: Owners
    mistake: Mistake | None


class Membership(NamedTuple):
    """A seed's joins and leaves, up to the first answer that is not a complete assignment."""

    seed: int
    partitions: int
    rebalances: list[Rebalance]


class AssignExercise(Exercise[int, Membership]):
    """A group whose members join and leave, on 4 to 12 partitions."""

    def play(self, answer: Callable[..., Any], case: int) -> Membership:
        # 4 to 12 partitions in turn, so that each number is tried about equally often.
        dice, partitions = random.Random(f"members {case}"), 4 + case % 9
        to_join = dice.sample(NAMES, len(NAMES))
        members = [to_join.pop() for _ in range(dice.randint(2, 3))]
        change = f"{len(members)} members begin"
        before: Owners = {}
        rebalances: list[Rebalance] = []
        for _ in range(CHANGES):
            rebalances.append(_rebalance(answer, change, list(members), partitions, before))
            if rebalances[-1].mistake is not None:
                break
            before = rebalances[-1].owners
            if len(members) > 1 and dice.random() < 0.5:
                members.remove(gone := dice.choice(members))
                change = f"{gone} leaves"
            else:
                members.append(to_join.pop())
                change = f"{members[-1]} joins"
        return Membership(case, partitions, rebalances)

    def mistakes(self, world: Membership) -> Iterator[Mistake]:
        for number, rebalance in enumerate(world.rebalances, 1):
            mistake = rebalance.mistake or _unordered(rebalance)
            if mistake is not None:
                yield mistake  # without a replay: the sentence already has both assignments
                return
            mistake = _uneven(rebalance) or _moved(rebalance)
            if mistake is not None:
                yield Mistake(
                    mistake.said, mistake.hint, partial(_replay, world, number, mistake.said)
                )
                return

    def summary(self, worlds: list[Membership]) -> str:
        rebalances = [each for world in worlds for each in world.rebalances]
        moved = sum(moves(each.before, each.owners) for each in rebalances)
        return (
            f"{len(worlds)} seeds, {len(rebalances)} joins and leaves, {moved:,} partitions moved "
            "and none without need"
        )


def check_assign(assign: Callable[..., Any]) -> Verdict:
    """Grade `assign(members, partitions, previous)`, which returns a dict with the list of
    partitions of each member, over a hundred seeds of joins and leaves.

    `members` is a list of names, `partitions` the number of partitions, and `previous` the
    assignment before the change. The shares may differ by one partition at most, no more partitions
    than necessary may move, and the order of `members` must make no difference.
    """
    return EXERCISE.grade(assign)


EXERCISE = AssignExercise()


def _rebalance(
    assign: Callable[..., Any], change: str, members: list[str], partitions: int, before: Owners
) -> Rebalance:
    reordered: Owners = {}
    owners, mistake = _assignment(assign, members, partitions, before)
    if mistake is None:
        reordered, mistake = _assignment(assign, members[::-1], partitions, before)
    return Rebalance(change, members, before, owners, reordered, mistake)


def _assignment(
    assign: Callable[..., Any], members: list[str], partitions: int, before: Owners
) -> tuple[Owners, Mistake | None]:
    """Return a complete assignment and None, or {} and the reason why it is not complete."""
    call = f"{len(members)} members on {partitions} partitions"
    # copies, so that an answer that changes its arguments does not change what it is compared with
    previous = {member: list(owned) for member, owned in before.items()}
    answer = call_answer(assign, list(members), partitions, previous)
    if answer.error is not None or not isinstance(answer.value, dict):
        said = f"{call}: expected a dict of the partitions of each member, {answer}"
        return {}, Mistake(said, WHOLE)
    try:
        return check_complete(answer.value, members, partitions), None
    except Exception as error:  # the verdict reports it
        return {}, Mistake(f"{call}: {error}", WHOLE)


def _unordered(rebalance: Rebalance) -> Mistake | None:
    """Return the mistake of an assignment that depends on the order of the members."""
    _, members, _, owners, reordered, _ = rebalance
    for member in members:
        if sorted(owners[member]) != sorted(reordered[member]):
            return Mistake(
                f"with {members} member {member} gets {sorted(owners[member])}, with the same "
                f"members in another order, {members[::-1]}, it gets {sorted(reordered[member])}",
                "sort first",
            )
    return None


def _uneven(rebalance: Rebalance) -> Mistake | None:
    """Return the mistake of an assignment with shares that differ by more than one partition."""
    sizes = sorted(map(len, rebalance.owners.values()), reverse=True)
    if sizes[0] - sizes[-1] <= 1:
        return None
    return Mistake(
        f"{rebalance.change}, and the members have {sizes}",
        "the largest and the smallest share differ by at most one",
    )


def _moved(rebalance: Rebalance) -> Mistake | None:
    """Return the mistake of an assignment that moves more partitions than it must."""
    change, _, before, owners, _, _ = rebalance
    sizes = sorted(map(len, owners.values()), reverse=True)
    had = sorted((len(before.get(member, ())) for member in owners), reverse=True)
    # The fewest partitions move if the members that had the most get the larger shares.
    least = sum(map(len, before.values())) - sum(map(min, had, sizes))
    if (count := moves(before, owners)) <= least:
        return None
    return Mistake(
        f"{change}, and {format_count(count, 'partition')} changed hands; {least} would do",
        "who had a partition keeps it, up to its share",
    )


def _replay(world: Membership, count: int, said: str) -> Run:
    """Return the run that a replay shows: the first `count` rebalances as records of a group, 10 s
    apart.
    """
    trace = Trace()

    def note(event: str, generation: int, name: str, detail: object) -> None:
        trace.note(
            APART * max(generation - 1, 0),
            event,
            "orders/members",
            entry=generation,
            message_id=name,
            worker=name,
            detail=detail,
        )

    for partition in range(world.partitions):
        note("appended", 0, f"order-{partition}", partition)
    for generation, rebalance in enumerate(world.rebalances[:count], 1):
        for member in rebalance.owners:
            if member not in rebalance.before:
                note("joined", generation, member, None)
        for event, owners in (("revoked", rebalance.before), ("assigned", rebalance.owners)):
            for member, owned in owners.items():
                note(event, generation, member, tuple(owned))
    verdict = f"seed {world.seed}: {said}."
    return Run(None, world.seed, trace, APART * count, {}, verdict, charts=("owners",))
