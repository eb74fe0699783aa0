"""The simulation for exercise 11.2: a till that sends orders, while replicas die, are cut off or
fetch slowly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.replica import REFUSALS, NotLeader
from mqlearn.streaming.replicated import ReplicatedLog
from mqlearn.study.exercise import Answer, RunawayAnswer

ORDERS, UNTIL = 60, 150.0  # the till sends so many orders; all must be answered by then (s)
FAULTS, FIRST, SPAN = 8, 3.0, 80.0  # they begin within so many seconds after the first may
SESSION, LAG_LIMIT, FETCH, ANSWER = 3.0, 4.0, 0.2, 1.0  # s; the last: until an append gives up
MOST = 1_000  # calls in one instant; an answer with more is a loop that would never end
NAME = "till"


class Try(NamedTuple):
    """One call of `till.append`: when (s), its acks and its number, and what it came to."""

    time: float
    acks: object
    number: int
    outcome: str


@dataclass
class TillTest:
    """One seed: a log of three replicas with faults, a till, and what the log has at the end."""

    sim: Simulation
    seed: int
    trace: Trace = field(default_factory=Trace)
    tries: dict[str, list[Try]] = field(default_factory=lambda: defaultdict(list))
    returned: dict[str, float] = field(default_factory=dict)  # by order: when `send` returned (s)
    answer: Answer = field(default_factory=Answer)  # of the last call of `send` that raised
    failed: str = ""  # the order whose call raised, or ran away
    runaway: bool = False
    not_sent: tuple[str, Answer] | None = None  # an order for which `till.append` was not called
    kept: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = ReplicatedLog(
            "orders",
            min_insync_replicas=2,
            session_timeout=SESSION,
            lag_limit=LAG_LIMIT,
            fetch_every=FETCH,
            runtime=self.sim,
            trace=self.trace,
        )
        self.till = Till(self)
        for number in range(FAULTS):
            self.sim.spawn(self._fault, number, name=f"fault-{number}", daemon=True)

    def close(self) -> None:
        """Keep what the leader's log has at the end."""
        if self.log.leader is not None:
            self.kept = [entry.value for entry in self.log.replicas[self.log.leader].log]

    @property
    def count(self) -> Counter[str]:
        """The number of times that the log has each order."""
        return Counter(self.kept)

    def _fault(self, number: int) -> None:
        """Let one replica, mostly the leader, die, be cut off, or fetch slowly, for a while."""
        sim, log = self.sim, self.log
        sim.sleep(FIRST + SPAN * sim.draw("when", number))
        lasts, kind = 2 + 10 * sim.draw("long", number), sim.draw("kind", number)
        replica = int(3 * sim.draw("which", number))
        if log.leader is not None and sim.draw("aimed", number) < 0.7:
            replica = log.leader
        if kind < 0.5 and log.replicas[replica].up:
            log.kill(replica)
            sim.sleep(lasts)
            log.restart(replica)
        elif 0.5 <= kind < 0.8 and not log.replicas[replica].cut_off:
            if replica == log.leader:
                self.till.to = replica
            log.partition(replica)
            sim.sleep(lasts)
            log.partition(replica, cut=False)
        elif kind >= 0.8:
            log.slow(replica, 0.5 + 3 * sim.draw("slow", number))
            sim.sleep(lasts)
            log.slow(replica, FETCH)


class Till:
    """A till as `send` is given it: it asks the log, and may wait.

    When the leader is cut off, the till is on its side, until that leader says that it leads no
    longer.
    """

    def __init__(self, test: TillTest) -> None:
        self._test = test
        self.to: int | None = None
        self.order = ""
        self._calls_now: tuple[float, int] = (0.0, 0)  # a time (s), and the calls at it

    def append(self, order: str, *, acks: object = "all", number: int = 0) -> int | None:
        """Append an order; return its offset for yes, None if there was no answer within a second.

        `acks` is "all", 1 or 0; `number` is the producer's number of the order, 0 for none. Raises
        NotLeader, NotEnoughReplicas or OutOfSequence: surely not appended.
        """
        self._count_call()
        test = self._test
        if order != self.order:
            raise ValueError(f"order must be {self.order}, got {check.short_repr(order)}")
        started, outcome = test.sim.now, ""
        try:
            offset = test.log.append(
                order,
                acks=acks,  # type: ignore[arg-type]
                timeout=ANSWER,
                to=self.to,
                producer=NAME if number else "",
                sequence=number,
            )
            outcome = "no answer" if offset is None else "yes"
        except REFUSALS as error:
            outcome = type(error).__name__
            if isinstance(error, NotLeader):
                self.to = None
            raise
        finally:
            test.tries[self.order].append(Try(started, acks, number, outcome))
        return offset

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        self._count_call()
        self._test.sim.sleep(seconds)

    def _count_call(self) -> None:
        now = self._test.sim.now
        then, calls = self._calls_now
        self._calls_now = now, calls + 1 if then == now else 0
        if self._calls_now[1] > MOST:
            raise RunawayAnswer
