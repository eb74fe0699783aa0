"""Exercise 09.3: deal partitions out evenly, and move as few as can be."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from mqlearn.streaming.assignment import complete, moves
from mqlearn.study.checks.answers import ask, no_function
from mqlearn.study.checks.verdict import Verdict, not_yet, passed

SEEDS = range(100)
CHANGES = 8  # joins and leaves in each seed
WHOLE = "every member is a key, every partition has one owner, from the first call on"


def check_assign(assign: Callable[..., Any]) -> Verdict:
    """The answer to `assign(members, partitions, previous) -> dict`, over a hundred seeds of joins and leaves."""
    if not callable(assign):
        return no_function(assign)
    moved = 0
    for seed in SEEDS:
        said = fault(assign, seed)
        if isinstance(said, str):
            what, _, hint = said.partition(" | ")
            return not_yet(f"seed {seed}: {what}", hint=hint)
        moved += said
    return passed(f"{len(SEEDS)} seeds, {len(SEEDS) * CHANGES} joins and leaves, {moved:,} partitions moved and none "
                  "without need")


def fault(assign: Callable[..., Any], seed: int) -> str | int:
    """What is wrong in this seed, and after a bar the hint; or how many partitions were moved."""
    dice = random.Random(f"members {seed}")
    partitions, total = dice.randint(3, 16), 0
    members = [f"m{i}" for i in range(dice.randint(1, 4))]
    before: dict[str, list[int]] = {}
    for change in range(CHANGES):
        answers = [ask(assign, order, partitions, {m: list(p) for m, p in before.items()})
                   for order in (list(members), dice.sample(members, len(members)))]
        for answer in answers:
            if answer.error is not None or not isinstance(answer.value, dict):
                return f"expected a dict of the partitions of each member, {answer} | {WHOLE}"
        try:
            owners, shuffled = (complete(answer.value, members, partitions) for answer in answers)
        except Exception as error:
            return f"{error} | {WHOLE}"
        sizes = sorted((len(owned) for owned in owners.values()), reverse=True)
        scene = f"{len(members)} members on {partitions} partitions"
        if sizes[0] - sizes[-1] > 1:
            return f"{scene} have {sizes} | the largest and the smallest share differ by at most one"
        if {m: sorted(p) for m, p in shuffled.items()} != {m: sorted(p) for m, p in owners.items()}:
            return f"{scene}: another order of `members` gives another answer | sort first"
        kept = sorted((len(before.get(member, ())) for member in members), reverse=True)
        least = sum(map(len, before.values())) - sum(map(min, kept, sizes))
        if (count := moves(before, owners)) > least:
            return f"{scene}: {count} moved, {least} suffice | who had a partition keeps it, up to its share"
        total, before = total + count, owners
        if len(members) > 1 and dice.random() < 0.5:
            members.remove(dice.choice(members))
        else:
            members.append(f"n{change}")
    return total
