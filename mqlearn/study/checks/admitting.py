"""Exercise 05.2: a breaker's gate that tells a probe's answer from an old one. Its logic, not threads' races."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.study.checks.answers import Fault, ask, judge
from mqlearn.study.checks.verdict import Verdict


def check_gate(gate: Callable[[int], Any]) -> Verdict:
    """Whether `Gate(n)` makes a breaker's gate, with `acquire(now)` → a permit or None and `report(permit, ok, now)`.

    A permit is any object but None; `now` (s) never goes back. The gate begins closed and follows these rules:

    - closed, everybody gets a permit; one failed answer opens it;
    - open, nobody gets one for 10 s; then it is half-open;
    - half-open, n callers get one: probes. When all n have succeeded it is closed; when one fails it is open again. A
      probe that has not answered 60 s after it was let in has failed;
    - an answer counts only if nothing has changed since its permit was given: neither opened, nor half-opened, nor
      closed.

    In each of 100 seeds sixteen callers call a service that is down now and then; a call takes 0.1 to 40 s, and some
    never answer. One task runs at a time: it is the logic that is tried, not what threads do to it.
    """
    return judge(violations, gate, lambda: "")


def violations(gate: Callable[..., Any], seed: int) -> Iterator[Fault]:
    """The first fault of this seed's gate."""
    yield Fault(f"expected an object with acquire(now) and report(permit, ok, now), {ask(gate, 1)}",
                "hand over the class: Gate(n) makes the gate")
