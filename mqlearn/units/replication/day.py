"""The simulation for exercise 11.3: two tills send orders all day, while replicas die, are cut off
or fetch slowly, and one election after the other is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.replica import REFUSALS, NotLeader, OutOfSequence
from mqlearn.streaming.replicated import ReplicatedLog
from mqlearn.streaming.replication import LOOK_EVERY
from mqlearn.study.analysis.promises import PromiseAnalysis
from mqlearn.study.exercise import Answer, call_answer, is_number

RATE, TILLS = 8.0, 2  # orders per second, of all tills
UNTIL, LAST = 120.0, 105.0  # s: the day ends; the last order is sent
FAULTS, FIRST, SPAN, LEAST, LONGEST = 14, 3.0, 70.0, 3.0, 25.0  # s, but for the number of faults
SESSION, LAG_LIMIT, FETCH, ANSWER, AGAIN = 2.0, 2.0, 0.25, 2.0, 0.5  # s


@dataclass(frozen=True)
class Candidate:
    """A replica as an election sees it: its number, whether it is alive, the end of its log, the
    epoch of its last entry (0: none) and the high watermark that it knows.
    """

    number: int
    alive: bool
    end: int
    epoch: int
    high_watermark: int


class Vote(NamedTuple):
    """One election: when (s), the candidates, those that were complete, and the answer."""

    time: float
    candidates: list[Candidate]
    complete: set[int]
    answer: Answer


@dataclass
class ElectionDay:
    """One seed: the log, what the tills were told, the elections, and how it ended."""

    seed: int
    trace: Trace = field(default_factory=Trace)
    told: dict[str, dict[Hashable, str]] = field(default_factory=dict)  # by till
    acknowledged: dict[str, float] = field(default_factory=dict)  # order: when (s)
    votes: list[Vote] = field(default_factory=list)
    wrong: Vote | None = None  # the first that names no replica that is alive
    kept: list[str] = field(default_factory=list)
    leader: int | None = None  # at the end
    committed: bool = False  # all that the leader has, at the end
    idle: float = 0.0  # s: none was elected although a complete one and a majority were alive

    @property
    def books(self) -> PromiseAnalysis:
        """The promises made to the tills, against what the log has at the end."""
        return PromiseAnalysis(self.told, self.kept)


def play_day(seed: int, elect: Callable[..., Any]) -> ElectionDay:
    """Return the day of this seed with a student's `elect`."""
    day = ElectionDay(seed)
    with Simulation(seed) as sim:
        log = ReplicatedLog(
            "orders",
            min_insync_replicas=2,
            session_timeout=SESSION,
            lag_limit=LAG_LIMIT,
            fetch_every=FETCH,
            elect=_Rule(day, elect),
            runtime=sim,
            trace=day.trace,
        )
        tills = [_Till(day, sim, log, f"till-{number}") for number in range(1, TILLS + 1)]
        for till in tills:
            sim.spawn(till.sell, name=till.name, daemon=True)
        for number in range(FAULTS):
            sim.spawn(_fault, sim, log, tills, number, name=f"fault-{number}", daemon=True)
        sim.run(until=UNTIL)
        day.leader = log.leader
        if log.leader is not None:
            day.kept = [entry.value for entry in log.replicas[log.leader].log]
            day.committed = log.high_watermark == len(day.kept)
        day.trace.freeze()
    return day


class _Rule:
    """A student's `elect` as an election of the log: it is asked with candidates, and its answer is
    kept.
    """

    def __init__(self, day: ElectionDay, elect: Callable[..., Any]) -> None:
        self.day, self.elect = day, elect
        self._asked: object = None
        self._waits_since: float | None = None  # s: none was elected, and one could be

    def __call__(self, log: Any, alive: list[int]) -> int | None:
        day, now = self.day, log.runtime.now
        if day.wrong is not None:
            return None
        candidates = [
            Candidate(
                each.number,
                each.number in alive,
                each.end,
                each.log[-1].epoch if each.log else 0,
                each.high_watermark,
            )
            for each in log.replicas
        ]
        complete = log.isr | log.elr
        answer = call_answer(self.elect, list(candidates), set(complete))
        vote = Vote(now, candidates, complete, answer)
        chosen = answer.value
        if self._waits_since is not None and now - self._waits_since < 2 * LOOK_EVERY:
            day.idle += now - self._waits_since
        could = complete & {*alive} and 2 * len(alive) > len(candidates)
        self._waits_since = now if chosen is None and could else None
        # The controller asks at each of its looks until there is a leader: one of these is enough.
        asked = candidates, complete, answer.whole, chosen is None
        if asked != self._asked:  # values of any kind are not compared with each other
            self._asked = asked
            day.votes.append(vote)
        # at the very beginning all are alive and complete: None is no election then
        none = chosen is None and now > 0
        if answer.error is not None or not (none or _names(answer, alive)):
            day.wrong = vote
            return None
        return None if chosen is None else answer.whole


def _names(answer: Answer, alive: list[int]) -> bool:
    """Return True if the answer is the number of a replica that is alive."""
    # `whole` is 0 for what is no whole number, so that 0 itself needs a second look
    return answer.whole in alive and (answer.whole != 0 or is_number(answer.value))


class _Till:
    """A till that sends one order after the other, each under its number until it is told yes."""

    def __init__(self, day: ElectionDay, sim: Simulation, log: ReplicatedLog, name: str) -> None:
        self.day, self.sim, self.log, self.name = day, sim, log, name
        self.to: int | None = None
        self.life = (
            1  # what it sent under its name before is numbered; after a gap it has a new one
        )

    def sell(self) -> None:
        number, sequence = 0, 0
        while self.sim.now < LAST and self.day.wrong is None:
            number, sequence = number + 1, sequence + 1
            order = f"{self.name}-{number}"
            gap = -math.log1p(-self.sim.draw("gap", order)) * TILLS / RATE
            self.sim.sleep(gap)
            if not self._deliver(order, sequence):
                sequence = 0

    def _deliver(self, order: str, sequence: int) -> bool:
        """Send an order until it is told yes, or the day is nearly over; False if an earlier one is
        missing.
        """
        self.day.told.setdefault(self.name, {})[order] = "maybe"
        while self.sim.now < UNTIL - 8:
            try:
                offset = self.log.append(
                    order,
                    timeout=ANSWER,
                    to=self.to,
                    producer=f"{self.name}/{self.life}",
                    sequence=sequence,
                )
            except OutOfSequence:
                self.to, self.life = None, self.life + 1
                return False
            except REFUSALS as error:
                self.to = None if isinstance(error, NotLeader) else self.to
                self.sim.sleep(AGAIN)
                continue
            if offset is not None:
                self.day.told.setdefault(self.name, {})[order] = "yes"
                self.day.acknowledged[order] = self.sim.now
                return True
            self.to = None
        return True


def _fault(sim: Simulation, log: ReplicatedLog, tills: list[_Till], number: int) -> None:
    """Let one replica die, be cut off, or fetch slowly, for a while."""
    sim.sleep(FIRST + SPAN * sim.draw("when", number))
    replica = int(len(log.replicas) * sim.draw("which", number))
    lasts = LEAST + (LONGEST - LEAST) * sim.draw("long", number)
    kind = int(3 * sim.draw("kind", number))
    if kind == 0 and log.kill(replica):
        sim.sleep(lasts)
        log.restart(replica)
    elif kind == 1 and not log.replicas[replica].cut_off:
        for till in tills if log.leader == replica else []:
            if sim.draw("side", number, till.name) < 0.5:
                till.to = replica
        log.partition(replica)
        sim.sleep(lasts)
        log.partition(replica, cut=False)
    elif kind == 2:
        log.slow(replica, 0.5 + 8 * sim.draw("slow", number))
        sim.sleep(lasts)
        log.slow(replica, FETCH)
