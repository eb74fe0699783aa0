"""What was where in a log at one instant: which of its events were done, in hand, still to be read,
or never read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.groups import process_name

# The states of an event at one instant; pictures show these words.
DONE, DONE_AGAIN, IN_HAND = "done", "done again", "in hand"
WAITING, NEVER_READ = "not read yet", "never read"


@dataclass
class PartitionAt:
    """One partition: the log holds `start` up to `end`, the group goes on at `committed`, and
    `owner` reads it.

    `owner` is "" where nobody does, or where readers need not join. `in_hand` says who took an
    event that is not done.
    """

    start: int = 0
    end: int = 0
    committed: int = 0
    owner: str = ""
    ids: list[str] = field(default_factory=list)
    times: dict[int, int] = field(default_factory=dict)  # offset: how often it was done
    in_hand: dict[int, str] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        """How many offsets the end is ahead of what is committed."""
        return self.end - self.committed

    def state(self, offset: int) -> str:
        """What became of the event at this offset."""
        if offset in self.in_hand:
            return IN_HAND
        if times := self.times.get(offset, 0):
            return DONE if times == 1 else DONE_AGAIN
        return NEVER_READ if offset < max(self.committed, self.start) else WAITING

    def stretches(self) -> list[tuple[str, int, int]]:
        """The log in pieces of one state: (state, first offset, the offset after the last); what is
        gone, if unread.
        """
        found = []
        for state, those in groupby(range(self.end), self.state):
            first, *rest = those
            last = rest[-1] if rest else first
            if state == NEVER_READ:
                found.append((state, first, last + 1))
            elif last >= self.start:  # what was done and then deleted needs no place any more
                found.append((state, max(first, self.start), last + 1))
        return found

    @property
    def at_work(self) -> int:
        """The offset at which reading is: of the first event in hand, or else of the next to be
        read.
        """
        return min(self.in_hand, default=max(self.committed, self.start))


class LogAt:
    """A log and its group at `time` (s), everything that happened at that instant included.

    `members` are those of the group by their letter, in the order in which they joined; `silent`
    those who died or stand still. The records are of one stream with one group.
    """

    def __init__(self, records: Iterable[Record], time: float) -> None:
        self.partitions: dict[int, PartitionAt] = {}
        self.members: list[str] = []
        self.generation = 0
        self.grouped = self.read = False  # whether there are members, and readers at all
        self._silent: dict[str, float] = {}  # until when (s)
        self._where: dict[str, tuple[int, int]] = {}
        for record in records:
            if record.time > time:
                break
            self._take(record)
        self.silent = [
            who for who, until in self._silent.items() if until > time and who in self.members
        ]

    def _of(self, partition: int) -> PartitionAt:
        return self.partitions.setdefault(partition, PartitionAt())

    def _take(self, record: Record) -> None:
        time, event, source, entry, name, _, _, worker, _, detail = record
        if event == "appended":
            place = self._of(detail)
            place.end = entry + 1
            place.ids += [""] * (entry - len(place.ids)) + [name]
            self._where[name] = (detail, entry)
        elif event == "deleted":
            self._of(detail).start = entry
        elif event == "committed":
            self._of(detail).committed = entry
            self.read = True
        elif event == "read":
            self._of(detail).in_hand[entry] = worker
            self.read = True
        elif event == "finished" and "/" in source and name in self._where:
            self._finished(*self._where[name], died=detail == "crashed")
            if detail == "crashed":
                self._silent[process_name(worker)] = float("inf")
        elif event == "stalled":
            self._silent[process_name(worker)] = time + detail
        elif event in ("joined", "left", "evicted", "assigned", "revoked"):
            self._regroup(event, entry, name, detail)

    def _finished(self, partition: int, offset: int, *, died: bool) -> None:
        place = self._of(partition)
        if not died:
            place.in_hand.pop(offset, None)
            place.times[offset] = place.times.get(offset, 0) + 1

    def _regroup(self, event: str, generation: int, member: str, detail: object) -> None:
        self.grouped = True
        self.generation = max(self.generation, generation)
        who = process_name(member)
        if event == "joined":
            self.members += [who] if who not in self.members else []
            self._silent.pop(who, None)  # a new life of the same process
        elif event in ("left", "evicted") and who in self.members:
            self.members.remove(who)
        elif event in ("assigned", "revoked") and isinstance(detail, tuple):
            for partition in detail:
                place = self._of(partition)
                place.owner = who if event == "assigned" else ""
                # nobody's any more: the next owner goes on at what is committed
                if event == "revoked":
                    place.in_hand = {at: by for at, by in place.in_hand.items() if by != member}
