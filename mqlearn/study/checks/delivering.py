"""Exercise 06.3: find the bad ones in a batch with few calls. Graded by chaos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.study.checks.answers import Fault, ask, judge
from mqlearn.study.checks.verdict import Verdict

Call = Callable[[list[str]], None]


def check_deliver(deliver: Callable[[list[str], Call], tuple[list[str], list[str]]]) -> Verdict:
    """Whether `deliver(items, call)` delivers every good item once and returns two lists: the good and the bad.

    `call(part)` takes a list of items and delivers them all; or, if one of them is bad, it raises ValueError before it
    has delivered any. The order of both lists is free.

    In 100 seeds there are 1 to 128 items, and none, one, a few or half of them are bad. There may be no more calls than
    plain halving makes on the same items: all of them first, and of what raises each half, down to the single item.
    """
    return judge(violations, deliver, lambda: "")


def violations(deliver: Callable[..., Any], seed: int) -> Iterator[Fault]:
    """The faults with this seed's items."""
    yield Fault(f"expected two lists, {ask(deliver, ['order-1'], lambda part: None)}", "return good, bad")
