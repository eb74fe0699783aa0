"""The shop of unit 11: tills that send orders to a replicated log, and what happens to its
replicas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.producer import Producer
from mqlearn.streaming.replicated import ReplicatedLog
from mqlearn.study.analysis.promises import PromiseAnalysis
from mqlearn.study.arrivals import poisson
from mqlearn.study.scenario import wait_for_arrivals

RATE, WINDOW, WATCHED = 20.0, 120.0, 160.0  # orders per second; they come, and we watch (s)
AT = 40.0  # s: when something happens
LAG_LIMIT = 10.0  # s: a replica that lags for longer is out of sync
ALONE, BACK = 20.0, 1.0  # s: followers, then the leader; then the followers are back
NOTHING, DIES, CUT_OFF = "nothing", "leader dies", "leader cut off"
FOLLOWERS, THEN_LEADER = "followers die", "followers, then the leader"
SLOW, POWER = "one follower slow", "all lose power"
WHAT = (NOTHING, DIES, CUT_OFF, FOLLOWERS, THEN_LEADER, SLOW, POWER)


class Shop:
    """The replicated log of a scenario, and the tills that send to it, on `runtime` from now on.

    `arrived` has the time (s) at which each order came to its till.
    """

    def __init__(self, scenario: Any, runtime: Runtime, trace: Trace) -> None:
        self.scenario, self.runtime, self.start = scenario, runtime, runtime.now
        self.arrived: dict[str, float] = {}
        self.log = ReplicatedLog(
            "orders",
            scenario.replicas,
            min_insync_replicas=scenario.min_insync_replicas,
            unclean=scenario.unclean == "yes",
            fetch_every=scenario.fetch_every,
            lag_limit=LAG_LIMIT,
            session_timeout=scenario.session_timeout,
            flush_every=scenario.flush_every,
            runtime=runtime,
            trace=trace,
        )
        acks = scenario.acks if scenario.acks == "all" else int(scenario.acks)
        self.tills = [
            Producer(
                self.log,
                f"till-{number}",
                acks=acks,
                idempotent=scenario.numbered,
                in_flight=scenario.in_flight,
            )
            for number in range(1, scenario.tills + 1)
        ]
        runtime.spawn(self._sell, name="shop")
        runtime.spawn(self._trouble, name="trouble", daemon=True)

    def till_of(self, number: int) -> int:
        """Return the index of the till that order `number` comes to."""
        return int(len(self.tills) * self.runtime.draw("till", number))

    @property
    def books(self) -> PromiseAnalysis:
        """The promises made to the tills, against what the log has now."""
        return PromiseAnalysis({till.name: till.told for till in self.tills}, self.kept())

    def kept(self) -> list[str]:
        """Return the orders that the log has at the end, by offset: those of the leader, or of the
        last one if there is none.
        """
        number = self.log.leader
        if number is None:
            number = max(self.log.replicas, key=lambda each: each.epoch).number
        return [entry.value for entry in self.log.replicas[number].log]

    def _sell(self) -> None:
        times = poisson(RATE, WINDOW, self.runtime.draw)
        for number in wait_for_arrivals(self.runtime, self.start, times):
            self.arrived[f"order-{number}"] = self.runtime.now - self.start
            self.tills[self.till_of(number)].send(f"order-{number}")

    def _trouble(self) -> None:
        self.runtime.sleep_until(self.start + AT)
        log, first = self.log, self.log.leader or 0
        others = [each.number for each in log.replicas if each.number != first]
        what, lasts = self.scenario.what, self.scenario.lasts
        if what == DIES:
            self._for(lasts, lambda: log.kill(first), lambda: log.restart(first))
        elif what == CUT_OFF:
            # Half of the tills are on the side of the leader that is cut off.
            for till in self.tills[: round(len(self.tills) / 2)]:
                till.to = first
            self._for(lasts, lambda: log.partition(first), lambda: log.partition(first, cut=False))
        elif what == FOLLOWERS:
            self._for(lasts, lambda: _each(log.kill, others), lambda: _each(log.restart, others))
        elif what == THEN_LEADER:
            self._for(ALONE, lambda: _each(log.kill, others), lambda: log.kill(first))
            self._for(lasts + BACK, lambda: self._come_back(others), lambda: log.restart(first))
        elif what == SLOW and others:
            usual = self.scenario.fetch_every
            slow = self.scenario.slow_fetch
            self._for(
                lasts, lambda: log.slow(others[-1], slow), lambda: log.slow(others[-1], usual)
            )
        elif what == POWER:
            every = [each.number for each in log.replicas]
            self._for(lasts, lambda: log.power_cut(*every), lambda: _each(log.restart, every))

    def _for(self, seconds: float, begin: Callable[[], object], end: Callable[[], object]) -> None:
        begin()
        self.runtime.sleep(seconds)
        end()

    def _come_back(self, others: list[int]) -> None:
        self.runtime.sleep(BACK)
        _each(self.log.restart, others)


def _each(what: Callable[[int], object], numbers: list[int]) -> None:
    for number in numbers:
        what(number)
