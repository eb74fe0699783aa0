"""Exercise 05.3: which failures are too many. Graded by the worst moments of a thousand hours, and by outages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.study.checks.answers import Fault, ask, judge
from mqlearn.study.checks.verdict import Verdict


def check_window(window: Callable[[], Any]) -> Verdict:
    """Whether `Window()` sees an outage soon, and nothing else: `record(ok, now)` each call, `tripped(now)` is a bool.

    `now` is in seconds; after each record `tripped` is asked at the same instant. Each scene has a window of its own:

    - ten calls a second, of which 5 % fail, as always: it never trips. Of ten such hours in each of 100 seeds, 36
      million calls in all, those stretches are tried in which most failures come together: the most in 3, 5, 8 … 160
      calls, each with 300 calls before it. What does not trip there would not have tripped in all ten hours;
    - a hard outage after 30 s at that rate: all calls fail, and it trips within 10 s;
    - a brown-out: half of them fail, and it trips within 10 s;
    - at night two calls an hour: one failure among many successes does not trip it, nor if it is the very first call.
    """
    return judge(violations, window, lambda: "")


def violations(window: Callable[..., Any], seed: int) -> Iterator[Fault]:
    """The faults with this seed's calls."""
    yield Fault(f"expected an object with record(ok, now) and tripped(now), {ask(window)}",
                "hand over the class: Window() makes a window")
