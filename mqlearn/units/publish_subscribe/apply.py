"""Exercise 07.3: a view that is right for any order of its changes, also if some come again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

CHANGES = 5  # in a history, so that all 120 orders can be tried
REPEATED = 60  # more orders, with changes that come twice or three times
GATES = ("A1", "A2", "B4", "B22", "C10")
PAIR = (tuple, list)  # what an entry of a view may be

Apply = Callable[[dict[str, tuple[int, Any]], "Change"], dict[str, tuple[int, Any]]]


class Change(NamedTuple):
    """Change number `seq` of a key, counted from 1: the key gets `value`; None deletes it."""

    key: str
    seq: int
    value: str | None

    def __str__(self) -> str:
        return f"{self.key}/{self.seq} {'deleted' if self.value is None else self.value}"


class Step(NamedTuple):
    """One change, the answer to it, and a copy of the view's entries after it; None if the answer
    is no view.
    """

    change: Change
    answer: Answer
    entries: dict[str, tuple[Any, Any]] | None


class Replica(NamedTuple):
    """The steps for one order of a seed's changes: the first order with a wrong end, or else the
    last one.
    """

    seed: int
    steps: list[Step]


class ApplyExercise(Exercise[int, Replica]):
    """A history applied in many orders. Each must end with the view that the right order gives."""

    def play(self, answer: Callable[..., Any], case: int) -> Replica:
        # Only what a reader sees is compared: an answer may keep deleted keys or not.
        right = shown(in_order(case))
        steps: list[Step] = []
        for order in orders_of(case):
            steps = steps_of(answer, order)
            entries = steps[-1].entries
            if entries is None or shown(entries) != right:
                break
        return Replica(case, steps)

    def mistakes(self, world: Replica) -> Iterator[Mistake]:
        right = shown(in_order(world.seed))
        last = world.steps[-1]
        changes = ", ".join(str(step.change) for step in world.steps)
        if last.entries is None:
            yield Mistake(
                f"{changes}: expected a dict from key to (seq, value), {last.answer}",
                "return the view",
                partial(step_by_step, world.steps, right),
            )
            return
        seen = shown(last.entries)
        for key in sorted({*right, *seen}, key=str):  # an answer may have keys of any type
            if seen.get(key) != right.get(key):
                yield Mistake(
                    f"{changes}: {key} is {seen.get(key) or 'deleted'}, and in order it is "
                    f"{right.get(key) or 'deleted'}; the view is {short_repr(last.answer.value)}",
                    _hint(key, seen, right, [step.change for step in world.steps]),
                    partial(step_by_step, world.steps, right),
                )
                return

    def summary(self, worlds: list[Replica]) -> str:
        orders = sum(len(orders_of(world.seed)) for world in worlds)
        histories = [history_of(world.seed) for world in worlds]
        deletions = sum(change.value is None for history in histories for change in history)
        return (
            f"{len(worlds)} histories in {orders:,} orders, {deletions:,} deletions: the view was "
            "always the same, and what was deleted stayed deleted"
        )


def check_apply(apply: Apply) -> Verdict:
    """Grade `apply(view, event)`, which returns the view after one more change. The view at the end
    must be the same for every order of the changes.

    `event` has `key`, `seq` and `value`: change number `seq` (counted from 1 for each key) gives
    the key this value, or deletes the key if the value is None. `view` is a dict from key to
    (seq, value), {} to begin with. A key counts as deleted if its value is None or if it is not in
    the dict. The view may be changed in place or copied.

    In each of 100 seeds a history of five changes to the gates of two or three flights is applied
    in all 120 orders, and in 60 more orders where changes come twice or three times. Each time the
    view must end as if the changes had come in order; a deleted key must stay deleted.
    """
    return EXERCISE.grade(apply)


EXERCISE = ApplyExercise()


def steps_of(apply: Callable[..., Any], order: tuple[Change, ...]) -> list[Step]:
    """Apply the changes in this order, up to the first answer that is no view, and return the
    steps.
    """
    view: Any = {}
    steps = []
    for change in order:
        answer = call_answer(apply, view, change)
        view = answer.value
        entries = _entries(answer)
        steps.append(Step(change, answer, entries))
        if entries is None:
            break
    return steps


def step_by_step(steps: list[Step], right: dict[str, Any]) -> pd.DataFrame:
    """Return the table that a replay shows: a row with the view after each change, a column for
    each key, and at the end the view that the right order gives.
    """
    import pandas as pd

    keys = sorted({*right, *(step.change.key for step in steps)})
    rows = [[str(step.change), *_cells(step, keys)] for step in steps]
    rows.append(["in order", *[right.get(key) or "deleted" for key in keys]])
    return pd.DataFrame(rows, columns=["change", *keys]).set_index("change")


def _cells(step: Step, keys: list[str]) -> list[str]:
    if step.entries is None:
        return [str(step.answer)] * len(keys)
    return [_entry(step.entries.get(key)) for key in keys]


def _entry(entry: Any) -> str:
    if entry is None:
        return ""
    seq, value = entry
    if value is None:
        return f"{short_repr(seq)} deleted"
    return f"{short_repr(seq)} {value if isinstance(value, str) else short_repr(value)}"


def _hint(key: str, seen: dict[str, Any], right: dict[str, Any], order: list[Change]) -> str:
    if key in seen and key not in right:
        return "who forgets that something was deleted believes the next old news of it"
    newest = next(change.seq for change in reversed(order) if change.key == key)
    if newest < max(change.seq for change in order if change.key == key):
        return "is this change newer than what the view knows of that key?"
    return "each key has its own count: a change of one says nothing about another"


def _entries(answer: Answer) -> dict[str, tuple[Any, Any]] | None:
    """Return a copy of the entries of a view, since the next change may alter it in place; None if
    the answer is no view.
    """
    if answer.error is not None or not isinstance(answer.value, dict):
        return None
    entries = {}
    for key, entry in answer.value.items():
        if not isinstance(entry, PAIR) or len(entry) != 2:
            return None
        entries[key] = tuple(entry)
    return entries


def shown(view: dict[str, Any]) -> dict[str, Any]:
    """Return the value of each key that is not deleted: a reader of the view sees only these."""
    return {key: entry[1] for key, entry in view.items() if entry[1] is not None}


def in_order(seed: int) -> dict[str, tuple[int, str | None]]:
    """Return the view after this seed's history, applied in order."""
    return {change.key: (change.seq, change.value) for change in history_of(seed)}


def history_of(seed: int) -> list[Change]:
    """Return this seed's changes in order: some keys are deleted, and some of those get a value
    again.
    """
    rng = random.Random(f"gates {seed}")
    flights = rng.sample(("DL-417", "UA-1545", "B6-725"), rng.randint(2, 3))
    last: dict[str, Change] = {}
    history = []
    for number in range(CHANGES):
        key = flights[number] if number < len(flights) else rng.choice(flights)
        before = last.get(key)
        deletes = before is not None and before.value is not None and rng.random() < 0.5
        value = (
            None
            if deletes
            else rng.choice([gate for gate in GATES if before is None or gate != before.value])
        )
        last[key] = Change(key, 1 if before is None else before.seq + 1, value)
        history.append(last[key])
    return history


@lru_cache(maxsize=len(SEEDS))
def orders_of(seed: int) -> tuple[tuple[Change, ...], ...]:
    """Return all orders of this seed's history, the right one first, and some with repetitions."""
    rng, history = random.Random(f"orders {seed}"), history_of(seed)
    more = [
        [change for change in history for _ in range(rng.randint(1, 3))] for _ in range(REPEATED)
    ]
    for each in more:
        rng.shuffle(each)
    return (*permutations(history), *map(tuple, more))
