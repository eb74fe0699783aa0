"""Replicated logs that are broken on purpose, each in one place."""

from __future__ import annotations

from typing import Any, NamedTuple

from mqlearn import ReplicatedLog
from mqlearn.streaming.replica import Replica


class CommitsAtOnce(ReplicatedLog):
    """Takes the leader's own end for the high watermark."""

    def _advance(self, leader: Replica) -> None:
        if len(self.isr) >= self.min_insync_replicas and leader.end > leader.high_watermark:
            leader.high_watermark = leader.end
            self._changed.notify_all()


class CommitsByMajority(ReplicatedLog):
    """Commits what most of the in-sync set have, though any of the set may be elected."""

    def _advance(self, leader: Replica) -> None:
        ends = sorted(leader.known.get(number, leader.end) for number in self.isr)
        known, leader.known = leader.known, dict.fromkeys(leader.known, ends[(len(ends) - 1) // 2])
        super()._advance(leader)
        leader.known = known


class CommitsBelowTheMinimum(ReplicatedLog):
    """Lets the high watermark move with too few in sync."""

    def _advance(self, leader: Replica) -> None:
        least, self.min_insync_replicas = self.min_insync_replicas, 1
        super()._advance(leader)
        self.min_insync_replicas = least


class AnswersTooEarly(ReplicatedLog):
    """Says yes to acks "all" before anything is committed."""

    def _wait_until_committed(self, leader: Replica, offset: int, timeout: float) -> bool:
        return True


class NeverCuts(ReplicatedLog):
    """Keeps what the leader of a newer epoch does not have."""

    def _cut(self, leader: Replica, replica: Replica) -> None:
        self._changed.notify_all()


class NeverResigns(ReplicatedLog):
    """Goes on leading when it hears of a newer epoch."""

    def _fetch_from(self, leader: Replica, replica: Replica) -> None:
        led = replica.leads
        super()._fetch_from(leader, replica)
        replica.leads = led


class TrustsADisk(ReplicatedLog):
    """Lets a replica stay in sync that has lost entries in a power cut."""

    def _expel(self, replica: Replica) -> None:
        pass


class ElectsAnyThatLeft(ReplicatedLog):
    """Lets each replica that leaves the in-sync set stay electable."""

    def _leave(self, replica: Replica, why: str) -> None:
        self.isr.discard(replica.number)
        self.elr.add(replica.number)
        self._emit("isr_shrunk", replica, len(self.isr), why)


class LosesTheLast(ReplicatedLog):
    """Lets the last complete replica leave, so that none can be elected."""

    def _leave(self, replica: Replica, why: str) -> None:
        self.isr.discard(replica.number)
        self._emit("isr_shrunk", replica, len(self.isr), why)


class ElectsTheFirst(ReplicatedLog):
    """Elects the first that is alive, whatever it has."""

    def __init__(self, name: str, replicas: int = 3, **options: Any) -> None:
        super().__init__(name, replicas, **options, elect=lambda _, alive: next(iter(alive), None))


class ElectsTheLongest(ReplicatedLog):
    """Elects the longest log, as if length were newness."""

    def __init__(self, name: str, replicas: int = 3, **options: Any) -> None:
        super().__init__(
            name,
            replicas,
            **options,
            elect=lambda log, alive: max(alive, key=lambda n: log.replicas[n].end, default=None),
        )


class IgnoresNumbers(ReplicatedLog):
    """Appends whatever its producers send again."""

    def append(self, value: Any, *, producer: str = "", sequence: int = 0, **options: Any) -> Any:
        return super().append(value, **options)


class TakesGaps(ReplicatedLog):
    """Appends a number though the one before is missing."""

    def append(self, value: Any, *, producer: str = "", sequence: int = 0, **options: Any) -> Any:
        for entry in self.replicas[self.leader or 0].log:
            if entry.producer == producer and entry.value == value:
                return super().append(value, producer=producer, sequence=sequence, **options)
        last = max(
            (e.sequence for e in self.replicas[self.leader or 0].log if e.producer == producer),
            default=0,
        )
        return super().append(value, producer=producer, sequence=last + 1, **options)


class ForgetsOneSilently(ReplicatedLog):
    """Loses one entry in all copies, without a record."""

    def _flush(self) -> None:
        super()._flush()
        for replica in self.replicas:
            if replica.end > 5:
                del replica.log[3]


class ReadsTooFar(ReplicatedLog):
    """Shows its readers what is not committed yet."""

    def fetch(self, offset: int, n: int = 500, **options: Any) -> list[Any]:
        return super().fetch(offset, n, **options | {"committed": False})


class Caught(NamedTuple):
    """On how many of the first hundred days a log is caught, and the first of them."""

    days: int
    first: int


# "Joins before it has caught up" is not among them: one fetch brings everything, so it is no fault
# here. Nor is "cuts to its high watermark", for the same reason.
BROKEN: dict[type[ReplicatedLog], Caught] = {
    CommitsAtOnce: Caught(89, 0),
    CommitsByMajority: Caught(19, 3),
    CommitsBelowTheMinimum: Caught(9, 8),
    AnswersTooEarly: Caught(88, 0),
    NeverCuts: Caught(76, 0),
    NeverResigns: Caught(37, 0),
    TrustsADisk: Caught(18, 8),
    ElectsAnyThatLeft: Caught(16, 0),
    LosesTheLast: Caught(51, 0),
    ElectsTheFirst: Caught(63, 0),
    ElectsTheLongest: Caught(21, 10),
    IgnoresNumbers: Caught(99, 0),
    TakesGaps: Caught(46, 0),
    ForgetsOneSilently: Caught(100, 0),
    ReadsTooFar: Caught(71, 0),
}
