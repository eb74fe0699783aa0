"""Exercise 06.1: one batch size and one linger for the night and for the rush hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.study.checks.answers import Fault, ask, judge
from mqlearn.study.checks.verdict import Verdict


def check_plan(plan: Callable[[float, float, float, float, float], tuple[int, float]]) -> Verdict:
    """Whether `plan(low, high, a, b, p99)` returns a size and a linger (s) that do at both rates.

    One worker takes a first message, then waits for more until it has `size` of them or `linger` seconds are over; its
    call for n messages takes `a + b * n` seconds. `low` and `high` are rates in messages a second (Poisson), `p99` the
    latency in seconds, from arrival to the end of the call, that 99 % of the messages must keep at both. A call costs
    money: at the low rate there may be at most 3 for 4 messages.

    The first seed has low 5, high 600, a 0.05, b 0.001 and p99 0.5; the other 99 have others.
    """
    return judge(violations, plan, lambda: "")


def violations(plan: Callable[..., Any], seed: int) -> Iterator[Fault]:
    """The faults of the plan for this seed's rates."""
    yield Fault(f"expected a size and a linger, {ask(plan, 5.0, 600.0, 0.05, 0.001, 0.5)}", "return size, linger_s")
