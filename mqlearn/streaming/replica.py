"""One copy of a replicated log: its entries, what its broker believes, and the errors that it
answers with.

    RuntimeError          nothing was appended
      NotLeader
      NotEnoughReplicas
      OutOfSequence
    OffsetOutOfRange      nothing was read
      Truncated
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mqlearn.runtime.events import REPLICA
from mqlearn.streaming.partition_log import OffsetOutOfRange


class NotLeader(RuntimeError):
    """Raised if the replica that was asked does not lead, or none does. Nothing was appended."""


class NotEnoughReplicas(RuntimeError):
    """Raised if acks is "all" and fewer than `min_insync_replicas` are in sync. Nothing was
    appended.
    """


class OutOfSequence(RuntimeError):
    """Raised if a producer's number leaves a gap: what it sent before is missing here. Nothing was
    appended.
    """


REFUSALS = (NotLeader, NotEnoughReplicas, OutOfSequence)


class Truncated(OffsetOutOfRange):
    """Raised for an offset after the end of the leader's log. A reader that had come so far has
    read entries that this log has lost.
    """


class Entry(NamedTuple):
    """One `value` in a log, and the `epoch` of the leader that appended it.

    `producer` and `sequence` are the sender and its number for this value; "" and 0 if it gave
    none.
    """

    value: Any
    epoch: int
    producer: str
    sequence: int


@dataclass(slots=True)
class Replica:
    """One broker's copy of the log, and what that broker believes.

    `epoch` is the newest one that it has heard of, and `leads` is true if it believes that it leads
    in it. `high_watermark` is the end of what it knows to be committed, `flushed` the end of what
    is on its disk; the rest is in the page cache, memory of its operating system. A replica that is
    `cut_off` reaches neither the controller nor other replicas, only clients. `heard` is when the
    controller last heard from it (s).

    The last four belong to a leader: `began` is its end when its epoch began, `known` the end of
    each follower at its latest fetch, `asked` the time (s) of that fetch and the leader's own end
    then, and `caught_up` the time (s) at which the follower last had everything.
    """

    number: int
    fetch_every: float  # s
    log: list[Entry] = field(default_factory=list)
    epoch: int = 0
    leads: bool = False
    high_watermark: int = 0
    flushed: int = 0
    up: bool = True
    cut_off: bool = False
    lost_entries: bool = False  # in a power cut, and it has not been restarted since
    heard: float = 0.0
    began: int = 0
    known: dict[int, int] = field(default_factory=dict)
    asked: dict[int, tuple[float, int]] = field(default_factory=dict)
    caught_up: dict[int, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in the trace."""
        return f"{REPLICA}{self.number}"

    @property
    def end(self) -> int:
        """The offset of the next entry."""
        return len(self.log)

    @property
    def reachable(self) -> bool:
        """Return True if the controller and the other replicas hear from it."""
        return self.up and not self.cut_off

    # As leader.

    def lead(self, epoch: int, followers: Iterable[int], now: float) -> None:
        """Begin to lead in this epoch, at the time `now` (s). What the followers have is not known
        before each of them has fetched, so until then nothing more is committed.
        """
        self.leads, self.epoch, self.began = True, epoch, self.end
        self.known = dict.fromkeys(followers, 0)
        self.asked = dict.fromkeys(self.known, (now, self.end))
        self.caught_up = dict.fromkeys(self.known, now)

    def offset_of(self, producer: str, sequence: int) -> int | None:
        """Return the offset of what `producer` sent as number `sequence`; None if that is the next
        number.

        Raises OutOfSequence for any other number.
        """
        for offset in reversed(range(self.end)):
            entry = self.log[offset]
            if entry.producer == producer and entry.sequence <= sequence:
                if entry.sequence == sequence:
                    return offset
                last = entry.sequence
                break
        else:
            last = 0
        if last != sequence - 1:
            raise OutOfSequence(f"sequence must be {last + 1} for {producer}, got {sequence}")
        return None

    def note_fetch(self, follower: Replica, now: float) -> None:
        """Note up to where a follower has the log, now that it fetches (s).

        It has caught up if it has now what this leader had at the fetch before.
        """
        number, (asked, end) = follower.number, self.asked[follower.number]
        if follower.end >= end:
            self.caught_up[number] = now if follower.end == self.end else asked
        self.known[number] = follower.end
        self.asked[number] = now, self.end

    # As follower.

    def cut(self, leader: Replica) -> int:
        """Drop what a leader does not have; return how many entries.

        Offset and epoch name an entry: if the last one here has the same epoch as the leader's at
        that offset, the logs agree up to there.
        """
        log, before = self.log, self.end
        while log and (self.end > leader.end or leader.log[self.end - 1].epoch != log[-1].epoch):
            log.pop()
        self._stay_within()
        return before - self.end

    def copy(self, leader: Replica) -> int:
        """Copy all that the leader has more; return how many entries."""
        more = leader.log[self.end :]
        self.log += more
        self.high_watermark = min(leader.high_watermark, self.end)
        return len(more)

    def lose_power(self) -> int:
        """Drop what is not on disk; return how many entries."""
        lost = self.end - self.flushed
        del self.log[self.flushed :]
        self._stay_within()
        self.lost_entries = self.lost_entries or lost > 0
        return lost

    def _stay_within(self) -> None:
        self.flushed = min(self.flushed, self.end)
        self.high_watermark = min(self.high_watermark, self.end)
