"""Exercise 07.3: a view that is right in whatever order, and however often, its changes arrive."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, short_repr
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

CHANGES = 5  # of a history, so that all 120 orders can be tried
REPEATED = 60  # more orders, in which changes come twice or three times
GATES = ("A1", "A2", "B4", "B22", "C10")

Apply = Callable[[dict[str, tuple[int, Any]], "Change"], dict[str, tuple[int, Any]]]


class Change(NamedTuple):
    """What became of a key: its `seq`-th change, from 1, gives it this value, or deletes it with
    None.
    """

    key: str
    seq: int
    value: str | None

    def __str__(self) -> str:
        return f"{self.key}/{self.seq} {'deleted' if self.value is None else self.value}"


def check_apply(apply: Apply) -> Verdict:
    """Whether `apply(view, event)` returns the view with one change more, such that the order does
    not matter.

    `event` has `key`, `seq` and `value`: the change number `seq` (from 1, counted for each key)
    gives the key this value, or deletes it where the value is None. `view` is a dict from key to
    (seq, value), {} to begin with; a key whose value is None is deleted, as is one that is not in
    it. It may be changed in place or copied.

    In each of 100 seeds a history of five changes of two or three flights' gates is applied in all
    120 orders, and in 60 more in which changes come twice or three times. Each time the view must
    in the end show what the history shows in order; what is deleted stays deleted.
    """
    orders = sum(len(orders_of(seed)) for seed in SEEDS)
    return grade(
        mistakes,
        apply,
        lambda: (
            f"{len(SEEDS)} histories in {orders:,} orders, {sum(map(_deleted, SEEDS)):,} "
            "deletions: "
            "the view was always "
            f"the same, and what was deleted stayed deleted"
        ),
    )


def mistakes(apply: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first order of this seed's history that leads to another view."""
    right = shown(in_order(seed))
    for order in orders_of(seed):
        view: dict[str, Any] = {}
        for number, change in enumerate(order, 1):
            answer = call_answer(apply, view, change)
            if not _is_view(answer):
                yield Mistake(
                    f"{_said(order[:number])}: expected a dict from key to (seq, value), {answer}",
                    "return the view",
                    partial(step_by_step, apply, order[:number], right),
                )
                return
            view = answer.value
        seen = shown(view)
        for key in sorted({*right, *seen}):
            is_, should = seen.get(key), right.get(key)
            if is_ != should:
                yield Mistake(
                    f"{_said(order)}: {key} is {is_ or 'deleted'}, and in order it is "
                    f"{should or 'deleted'}; "
                    f"the view is {short_repr(view)}",
                    _hint(key, seen, right, order),
                    partial(step_by_step, apply, order, right),
                )
                return


def step_by_step(
    apply: Callable[..., Any], order: tuple[Change, ...], right: dict[str, Any]
) -> pd.DataFrame:
    """What is replayed: the view after each change, a column for each key, and below what it shows
    in order.
    """
    import pandas as pd

    keys = sorted({*right, *(change.key for change in order)})
    view: Any = {}
    rows = []
    for change in order:
        answer = call_answer(apply, view, change)
        if not _is_view(answer):
            rows.append([str(change), *[str(answer)] * len(keys)])
            break
        view = answer.value
        rows.append([str(change), *[_entry(view.get(key)) for key in keys]])
    rows.append(["in order", *[right.get(key) or "deleted" for key in keys]])
    return pd.DataFrame(rows, columns=["change", *keys]).set_index("change")


def _entry(entry: Any) -> str:
    if entry is None:
        return ""
    seq, value = entry
    if value is None:
        return f"{short_repr(seq)} deleted"
    return f"{short_repr(seq)} {value if isinstance(value, str) else short_repr(value)}"


def _hint(key: str, seen: dict[str, Any], right: dict[str, Any], order: tuple[Change, ...]) -> str:
    if key in seen and key not in right:
        return "who forgets that something was deleted believes the next old news of it"
    newest = next(change.seq for change in reversed(order) if change.key == key)
    if newest < max(change.seq for change in order if change.key == key):
        return "is this change newer than what the view knows of that key?"
    return "each key has its own count: a change of one says nothing about another"


def _said(order: tuple[Change, ...]) -> str:
    return ", ".join(map(str, order))


def _is_view(answer: Answer) -> bool:
    view = answer.value
    return (
        answer.error is None
        and isinstance(view, dict)
        and all(isinstance(entry, tuple | list) and len(entry) == 2 for entry in view.values())
    )


def shown(view: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the view sees: the value of each key that is not deleted."""
    return {key: entry[1] for key, entry in view.items() if entry[1] is not None}


def in_order(seed: int) -> dict[str, tuple[int, str | None]]:
    """The view after this seed's history, applied in order."""
    return {change.key: (change.seq, change.value) for change in history_of(seed)}


def history_of(seed: int) -> list[Change]:
    """This seed's changes in order: some keys are deleted, and some of those come back."""
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


def _deleted(seed: int) -> int:
    return sum(change.value is None for change in history_of(seed))


@lru_cache(maxsize=len(SEEDS))
def orders_of(seed: int) -> tuple[tuple[Change, ...], ...]:
    """All orders of this seed's history, the true one first, and some with repetitions."""
    rng, history = random.Random(f"orders {seed}"), history_of(seed)
    more = [
        [change for change in history for _ in range(rng.randint(1, 3))] for _ in range(REPEATED)
    ]
    for each in more:
        rng.shuffle(each)
    return (*permutations(history), *map(tuple, more))
