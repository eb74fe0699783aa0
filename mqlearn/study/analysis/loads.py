"""The load that retries make, and the orders that die in an outage: theory, and counts from a
trace.

    tries per order     tries_per_order   1 + p + … + pⁿ, n retries, a try fails with probability p
    dead in an outage   dead_in_outage    arrival rate × E[max(0, outage − all delays)]

Rates are per second. Arrivals may be regular or at random: only their mean rate counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.trace import Record

FAILING = "calls also fail when there is no outage"


def tries_per_order(failing: float, retries: int) -> float:
    """Return the mean number of tries per order, 1 + p + … + pⁿ, if each try fails with probability
    `failing`.
    """
    check.number("failing", failing, low=0, high=1)
    check.whole("retries", retries, low=0)
    return math.fsum(failing**n for n in range(retries + 1))


@lru_cache
def dead_in_outage(rate: float, seconds: float, retries: int, policy: RetryPolicy | None) -> float:
    """Return the mean number of orders that die in an outage of `seconds`, if `rate` orders arrive
    per second. Without a policy, a failed order is retried at once.

    An order that arrives t seconds before the end of the outage dies if the sum S of its delays is
    shorter than t, so the mean number is rate · E[max(0, outage − S)]. Each delay is a fixed part
    plus a random part, uniform on (0, wₖ). Let T be the outage minus all fixed parts. Then the mean
    of max(0, T − Σ U(0, wₖ)) is the sum over all subsets J of the n random parts of
    (−1)^|J| · max(0, T − Σ_J w)^(n+1), divided by (n+1)! · Πw.
    """
    check.number("rate", rate, low=0)
    check.number("seconds", seconds, low=0)
    check.whole("retries", retries, low=0, high=12)  # the sum below has 2ⁿ terms
    # a policy's delay is between its values for a draw of 0 and of 1
    low = [0.0 if policy is None else policy.delay(n, 0.0) for n in range(1, retries + 1)]
    high = [0.0 if policy is None else policy.delay(n, 1.0) for n in range(1, retries + 1)]
    left = Fraction(seconds) - sum(map(Fraction, low))
    widths = [Fraction(b) - Fraction(a) for a, b in zip(low, high, strict=True) if b > a]
    # Large terms of both signs nearly cancel: floats would leave only rounding errors.
    total = Fraction(0)
    for size in range(len(widths) + 1):
        for chosen in combinations(widths, size):
            total += (-1) ** size * max(Fraction(0), left - sum(chosen)) ** (len(widths) + 1)
    return rate * float(total / (math.factorial(len(widths) + 1) * math.prod(widths)))


class LoadAnalysis:
    """The tries begun, the tries answered too late, and the orders done in each second of a run,
    from `start` to `until` (s).
    """

    def __init__(self, records: Sequence[Record], start: float, until: float) -> None:
        self.start, self.until = start, until
        self._retries, self._late = Counter[int](), Counter[int]()
        tried: set[tuple[str, str]] = set()
        for record in records:
            second = int(record.time - start)
            if record.event == "started":
                message = (record.source, record.message_id)
                self._retries[second] += message in tried
                tried.add(message)
            elif record.event == "finished" and record.detail == "failed: timeout":
                self._late[second] += 1
        self._tries = Counter(
            int(record.time - start) for record in records if record.event == "started"
        )
        self._done = Counter(
            int(record.time - start) for record in records if record.event == "acked"
        )

    def peak(self, since: float = 0.0) -> int:
        """Return the largest number of tries begun in one second, counted from `since` seconds
        after the start on.
        """
        return max((count for second, count in self._tries.items() if second >= since), default=0)

    def tries(self, since: float, until: float) -> float:
        """Return the tries begun per second, on average from `since` to `until`, in whole seconds
        after the start.
        """
        return self._mean(self._tries, since, until)

    def why_wasted(self, since: float, until: float) -> str:
        """Return in words why most tries from `since` to `until` (whole seconds after the start)
        are wasted though no outage lasts.
        """
        tries, late = self._mean(self._tries, since, until), self._mean(self._late, since, until)
        # If most come too late for their callers, the service does the work of those that have
        # given up. Else another cause fails them.
        if late <= (tries - self.goodput(since, until)) / 2:
            return FAILING
        if self._mean(self._retries, since, until) > tries / 2:
            return "the retries are the load"
        return "the service does the work of callers that have given up"

    def goodput(self, since: float, until: float) -> float:
        """Return the orders done per second, on average from `since` to `until`, in whole seconds
        after the start.
        """
        return self._mean(self._done, since, until)

    def _mean(self, counts: Counter[int], since: float, until: float) -> float:
        return sum(count for second, count in counts.items() if since <= second < until) / max(
            until - since, 1e-9
        )
