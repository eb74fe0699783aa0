"""The alarms that a lab can set, by name: each with the unit of its threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mqlearn.messaging.alerts import AlertRule, BurnRateAlert, ThresholdAlert

GOAL = 60.0  # seconds within which an order is to be done
BUDGET = 0.01  # the share of orders that may miss the goal
LONG, SHORT = 300.0, 60.0  # seconds of the two windows of a burn rate
UNCHARGED = 120.0  # seconds over which orders that are done and not charged are counted

DEPTH, OLDEST, ERRORS, DEAD = "depth", "oldest", "errors", "dead letters"
BURN_DONE, BURN_DEADLINE = "burn when done", "burn at the deadline"
NOT_CHARGED = "not charged"


@dataclass(frozen=True)
class Alarm:
    """A kind of alarm: the number that is compared with its threshold, in words, and
    `make(threshold, hold)`, which returns the alert; `hold` is in seconds.
    """

    compared: str
    make: Callable[[float, float], AlertRule]


ALARMS: dict[str, Alarm] = {
    DEPTH: Alarm(
        "orders that wait",
        lambda above, hold: ThresholdAlert(lambda s: s.waiting, above, hold=hold),
    ),
    OLDEST: Alarm(
        "age of the oldest order, s",
        lambda above, hold: ThresholdAlert(lambda s: s.oldest, above, hold=hold),
    ),
    # a budget of 1 % makes the burn rate a number of percent
    ERRORS: Alarm(
        "tries that fail in a minute, %",
        lambda above, hold: BurnRateAlert(
            lambda s: s.failed, lambda s: s.received, factor=above, windows=(SHORT,), hold=hold
        ),
    ),
    DEAD: Alarm(
        "dead letters in a minute",
        lambda above, hold: ThresholdAlert(lambda s: s.dead, above, window=SHORT, hold=hold),
    ),
    BURN_DONE: Alarm(
        "burn rate of orders that ended",
        lambda above, hold: BurnRateAlert(
            lambda s: s.late + s.dead,
            lambda s: s.done + s.dead,
            budget=BUDGET,
            factor=above,
            windows=(LONG, SHORT),
            hold=hold,
        ),
    ),
    BURN_DEADLINE: Alarm(
        "burn rate of orders at their deadline",
        lambda above, hold: BurnRateAlert(
            lambda s: s.missed,
            lambda s: s.due,
            budget=BUDGET,
            factor=above,
            windows=(LONG, SHORT),
            hold=hold,
        ),
    ),
    NOT_CHARGED: Alarm(
        "done and not charged in two minutes",
        lambda above, hold: ThresholdAlert(
            lambda s: s.done - s.charged, above, window=UNCHARGED, hold=hold
        ),
    ),
}
