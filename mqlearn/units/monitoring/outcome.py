"""The outcome of an alarm: when it paged, how often falsely, and when theory expects the page."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from mqlearn.study.analysis.alerts import AlertSpan
from mqlearn.units.monitoring.alarms import BUDGET, BURN_DEADLINE, DEPTH, GOAL, LONG, OLDEST
from mqlearn.units.monitoring.shop import (
    ONSET,
    SERVICE,
    SLOW,
    UNTIL,
    WORKERS_GONE,
    ShopFields,
    leaving,
)


class Outcome(NamedTuple):
    """The pages of a run: `after` is the time (s) from the failure to its page, None if it never
    paged or there was no failure; `false` the number of pages without a failure; `already` is True
    if the alarm had begun to fire before the failure and went on.
    """

    after: float | None
    false: int
    already: bool


def outcome(spans: list[AlertSpan], fails: bool) -> Outcome:
    """Return what came of an alarm that fired in these `spans`; `fails` if there was a failure.

    A page before the failure is false. Any later one is the failure's, also after its end: it left
    a backlog behind.
    """
    if not fails:
        return Outcome(None, len(spans), already=False)
    false = sum(span.start < ONSET for span in spans)
    already = any(span.start < ONSET < span.end for span in spans)
    after = [span.start - ONSET for span in spans if span.start >= ONSET]
    return Outcome(0.0 if already else min(after, default=None), false, already)


def share_served(fields: ShopFields) -> float:
    """Return the share of the arriving orders that the workers can still serve while workers are
    gone or the service is slow.
    """
    speed = 1 - fields.severity if fields.failure == SLOW else 1.0
    return (fields.workers - leaving(fields)) * speed / SERVICE / fields.rate


class AlarmFields(ShopFields, Protocol):
    """The fields of a scenario with an alarm: `hold` in seconds."""

    @property
    def alarm(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def hold(self) -> float: ...


def expected(fields: AlarmFields) -> tuple[float, str] | None:
    """Return the time (s) from the failure to the page that theory expects, and its formula; None
    where it has none, or where the failure is over before.

    While a share κ of λ orders per second is served, the oldest order waiting gets older by 1 − κ
    seconds per second, and λ (1 − κ) orders per second join the backlog. If nothing is served, all
    orders miss their goal from `GOAL` seconds on.
    """
    if fields.failure not in (WORKERS_GONE, SLOW):
        return None
    served, above = share_served(fields), fields.threshold
    if served >= 1:
        return None
    if fields.alarm == OLDEST:
        seconds, formula = above / (1 - served), f"{above:g} ÷ (1 − {served:.2g})"
    elif fields.alarm == DEPTH:
        seconds = above / (fields.rate * (1 - served))
        formula = f"{above:g} ÷ ({fields.rate:g} × (1 − {served:.2g}))"
    elif fields.alarm == BURN_DEADLINE and served == 0 and above * BUDGET < 1:
        seconds = GOAL + above * BUDGET * LONG
        formula = f"{GOAL:g} + {above:g} × {BUDGET:.0%} × {LONG:g}"
    else:
        return None
    if fields.hold:
        seconds, formula = seconds + fields.hold, f"{formula} + {fields.hold:g}"
    return (seconds, formula) if seconds <= min(fields.lasts, UNTIL - ONSET) else None
