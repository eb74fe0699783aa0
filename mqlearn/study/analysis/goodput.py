"""The analysis of an overload: which orders were done in time, which in vain, which were turned
away, and what arithmetic expects.

    useful bound        capacity × (patience − service)      an order that finds as many waiting
                                                             is done just in time
    lost in an outage   lost_in_outage                       of a queue without a limit

An order is in time if it is done within the customer's `patience` (s). Rates are per second.
"""

from __future__ import annotations

from collections.abc import Iterable

from mqlearn.runtime import check
from mqlearn.runtime.trace import Record
from mqlearn.study.run import SENT

OLDEST, NEWEST, SHED, DROP = "oldest first", "newest first", "shed by age", "drop oldest"


class GoodputAnalysis:
    """The fate of each order of a run.

    `in_time` and `in_vain` have the times (s) at which orders were done, within the patience and
    later; `refused`, `dropped` and `expired` the times (s) at which others were turned away: at
    the door, to make room, or for their age. `unserved` is the number of orders that wait or
    are in work at the end although their customers have left, `open` of those whose customers
    still wait. Without a patience (None) every order that is done is in time. `reached` has the
    times (s) when 1, 2, 3, … orders waited for the first time, `waits` the seconds from
    sending to work, or to the end for those that still wait then.
    """

    def __init__(self, records: Iterable[Record], until: float, patience: float | None) -> None:
        records = list(records)
        sent: dict[tuple[str, int], float] = {}  # those that are neither done nor turned away
        longest = float("inf") if patience is None else patience
        self.in_time: list[float] = []
        self.in_vain: list[float] = []
        self.refused: list[float] = []
        self.dropped: list[float] = []
        self.expired: list[float] = []
        self.reached: list[float] = []
        self.waits: list[float] = []
        waiting = 0
        for time, event, source, entry, *_ in records:
            if event in SENT:
                sent[source, entry] = time
                waiting += 1
                if waiting > len(self.reached):
                    self.reached.append(time)
            elif event == "received":
                waiting -= 1
                self.waits.append(time - sent[source, entry])
            elif event == "acked":
                # a little more, since a time is a sum of floats: 20.000000000000004 s are 20 s
                late = time - sent.pop((source, entry)) > longest + 1e-9
                (self.in_vain if late else self.in_time).append(time)
            elif event == "rejected":
                self.refused.append(time)
            elif event in ("dropped", "expired", "dead"):
                sent.pop((source, entry))
                waiting -= event != "dead"
                (self.dropped if event == "dropped" else self.expired).append(time)
        # those in work at the end have a wait already
        begun = {(r.source, r.entry) for r in records if r.event == "received"}
        self.waits += [until - since for entry, since in sent.items() if entry not in begun]
        self.unserved = sum(until - since > longest - 1e-9 for since in sent.values())
        self.open = len(sent) - self.unserved

    @property
    def done(self) -> int:
        """The number of orders that were done, in time or not."""
        return len(self.in_time) + len(self.in_vain)

    @property
    def turned_away(self) -> list[float]:
        """The times (s) at which orders were refused, dropped or shed, in order."""
        return sorted([*self.refused, *self.dropped, *self.expired])

    @property
    def lost(self) -> int:
        """The number of orders whose customers left before their order was done."""
        return len(self.in_vain) + len(self.turned_away) + self.unserved

    @property
    def orders(self) -> int:
        """The number of all orders, also of those that were refused."""
        return self.done + len(self.turned_away) + self.unserved + self.open

    @property
    def vain_share(self) -> float:
        """The share of the work that was done for a customer who had left; 0 if none was done."""
        return len(self.in_vain) / self.done if self.done else 0.0


def useful_bound(workers: int, service: float, patience: float) -> float:
    """Return the number of waiting orders beyond which waiting is useless: capacity × (patience −
    service), where `service` and `patience` are in seconds, and 0 if a service alone lasts longer.
    """
    check.whole("workers", workers, low=1)
    check.number("service", service, above=0)
    check.number("patience", patience, low=0)
    return workers / service * max(0.0, patience - service)


def lost_in_outage(
    policy: str, rate: float, capacity: float, *, lasts: float, wait: float, window: float
) -> float | None:
    """Return the mean number of orders lost in an outage that `lasts` so many seconds, of `rate`
    orders per second against a `capacity` per second; orders count that come within `window`
    seconds of its beginning. None for a policy without a formula, and if the rate is too high at
    all times.

    `wait` (s) is the longest useful wait W, patience less service; D is the outage, λ the rate and
    μ the capacity. Oldest first: an order that comes t s after the beginning waits D + λt/μ − t, so
    all are lost until t = μ(D − W)/(μ − λ). Shed by age: the first λ(D − W). Newest first: new
    orders are served at once, and the spare μ − λ reaches back to those that still have time,
    (μ − λ)λW/μ of the λD that wait; the others are lost.
    """
    if rate >= capacity:
        return None
    spare = capacity - rate
    if policy == OLDEST:
        return rate * min(max(0.0, lasts - wait) * capacity / spare, window)
    if policy == SHED:
        return rate * max(0.0, min(lasts, window) - wait)
    if policy == NEWEST:
        return max(0.0, rate * min(lasts, window) - spare * rate * wait / capacity)
    return None
