"""Rules for an autoscaler: each function here makes one, a function of what is `Seen` that returns
the number of workers it wants.
"""

from __future__ import annotations

from mqlearn.messaging.autoscaler import ScalingRule, Seen
from mqlearn.runtime import check


def scale_by_step(above: int = 100, below: int = 0) -> ScalingRule:
    """Make the rule: one worker more while more than `above` messages wait, one fewer while at most
    `below` do.
    """
    above = check.whole("above", above)
    below = check.whole("below", below, high=above)

    def desired(seen: Seen) -> float:
        have = seen.running + seen.starting
        return have + (seen.waiting > above) - (seen.waiting <= below)

    return desired


def scale_by_depth(per_worker: float = 10.0) -> ScalingRule:
    """Make the rule: waiting / `per_worker`, one worker for every `per_worker` messages that
    wait.
    """
    per_worker = check.number("per_worker", per_worker, above=0)
    return lambda seen: seen.waiting / per_worker


def scale_by_age(limit: float = 10.0) -> ScalingRule:
    """Make the rule: twice as many workers while the oldest message is older than `limit` seconds,
    one fewer while none waits.
    """
    limit = check.number("limit", limit, above=0)

    def desired(seen: Seen) -> float:
        have = seen.running + seen.starting
        return 2 * have if seen.oldest_s > limit else have - (seen.waiting == 0)

    return desired


def scale_by_flow(utilisation: float = 0.8, catch_up: float = 60.0) -> ScalingRule:
    """Make the rule: (arrived / every) · service / `utilisation` + waiting · service / `catch_up`.

    The first term are the workers that the arrivals of the last look need if each is busy for that
    share of the time (0 to 1); the second are those that clear the backlog within `catch_up`
    seconds.
    """
    utilisation = check.number("utilisation", utilisation, above=0, high=1)
    catch_up = check.number("catch_up", catch_up, above=0)

    def desired(seen: Seen) -> float:
        rate = seen.arrived / seen.every_s
        return rate * seen.service_s / utilisation + seen.waiting * seen.service_s / catch_up

    return desired
