"""The state of a log and its readers at one instant: which events are done, in hand (read and not
done yet), not read yet, or never read.
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
    """One partition at an instant.

    The log holds the offsets from `start` up to `end`, `end` excluded. `committed` is the offset at
    which the group reads on, and `owner` is the member that reads the partition; "" if no member
    owns it, or if readers do not join a group. `ids` are the ids of the events by offset. `in_hand`
    has the offset of each event that was read and is not done, with the member that read it.
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
        """The number of offsets from the committed one to the end."""
        return self.end - self.committed

    def state(self, offset: int) -> str:
        """Return the state of the event at this offset: one of the five words above."""
        if offset in self.in_hand:
            return IN_HAND
        if times := self.times.get(offset, 0):
            return DONE if times == 1 else DONE_AGAIN
        return NEVER_READ if offset < max(self.committed, self.start) else WAITING

    def stretches(self) -> list[tuple[str, int, int]]:
        """Return the log in pieces of one state each: (state, first offset, the offset after the
        last). Of the events that retention has deleted, only those that were never read are in it.
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
        """The offset of the first event in hand, or else of the next event to read."""
        return min(self.in_hand, default=max(self.committed, self.start))


class LogAt:
    """A log and its group at `time` (s), after everything that happened at that instant.

    `members` are the names of the group's processes, in the order of joining; `silent` are the
    members that have crashed or stand still. The records are of one stream with one group.
    """

    def __init__(self, records: Iterable[Record], time: float) -> None:
        self.partitions: dict[int, PartitionAt] = {}
        self.members: list[str] = []
        self.generation = 0
        self.grouped = self.read = False  # has the group had members? has the log been read?
        self._silent: dict[str, float] = {}  # by process: until when it is silent (s)
        self._where: dict[str, tuple[int, int]] = {}  # by event id: partition and offset
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
            # an offset without a record of its event keeps its place in the list
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
        # Only a group's source is "stream/group": a queue's worker records "finished" as well.
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
        # After a crash the event stays in hand until the group takes the partition away.
        if not died:
            place.in_hand.pop(offset, None)
            place.times[offset] = place.times.get(offset, 0) + 1

    def _regroup(self, event: str, generation: int, member: str, detail: object) -> None:
        self.grouped = True
        self.generation = max(self.generation, generation)
        who = process_name(member)
        if event == "joined":
            self.members += [who] if who not in self.members else []
            self._silent.pop(who, None)  # the process has been started again
        elif event in ("left", "evicted") and who in self.members:
            self.members.remove(who)
        elif event in ("assigned", "revoked") and isinstance(detail, tuple):
            for partition in detail:
                place = self._of(partition)
                place.owner = who if event == "assigned" else ""
                # The next owner reads from the committed offset, so what this one had read and not
                # committed counts as not read.
                if event == "revoked":
                    place.in_hand = {at: by for at, by in place.in_hand.items() if by != member}
