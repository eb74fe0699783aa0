"""Exercise 05.1: how long a breaker stays open, when each look at a broken service has its price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.study.checks.answers import Fault, ask, judge
from mqlearn.study.checks.verdict import Verdict

Cooldown = Callable[[int], float]


def check_cooldown(cooldown: Cooldown) -> Verdict:
    """Whether `cooldown(times_opened)` is a good number of seconds for a breaker to stay open.

    `times_opened` says how often it has opened since it was last closed, from 1: it opens when the service fails, and
    once more after each probe that fails. A probe takes no time; the first one after the end of the outage closes it.
    An outage costs the seconds from its end to that probe, and 3 for each probe, the last one included.

    In each of 100 seeds there are 100 outages of 5 s to 30 min, short ones more often (the logarithm of their length
    is uniform). Their mean cost may be at most 1.15 times that of the best cool-down that is always the same.
    """
    return judge(violations, cooldown, lambda: "")


def violations(cooldown: Callable[..., Any], seed: int) -> Iterator[Fault]:
    """The faults in this seed's outages."""
    yield Fault(f"cooldown(1): expected a number of seconds above 0, {ask(cooldown, 1)}", "return seconds")
