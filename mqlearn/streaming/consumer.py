"""A consumer: a member of a group that polls for the events of its partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.handed_in import Listeners
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.membership import Membership
from mqlearn.streaming.partition_log import OffsetOutOfRange
from mqlearn.streaming.stream import EventStream

Hook = Callable[[list[int]], object]


class Consumer(Membership, Closing):
    """Reads the partitions that its group assigns to it; the first `poll` joins the group.

    Nothing is committed unless `commit` is called or `auto_commit` (s) is given. With
    `auto_commit`, a poll commits the events that earlier polls returned: every `auto_commit`
    seconds, and before the member gives up its partitions. `on_assigned(partitions)` and
    `on_revoked(partitions)` are called from within `poll`, with no lock held, the latter while the
    member may still commit. They may commit, seek and close, but not poll. One that fails is logged
    and passed over, and the rebalance goes on. A member that was evicted finds this out at its next
    poll, and joins again.

    `with` closes it at the end of the block. `for event in consumer` polls one event at a time, and
    ends when the consumer is closed; it commits no more than `poll` does.

    Source: Apache Kafka's `KafkaConsumer`, which commits automatically unless told otherwise, every
    5 s.
    """

    def __init__(
        self,
        stream: EventStream,
        group: str,
        *,
        name: str = "member",
        auto_commit: float | None = None,
        on_assigned: Hook | None = None,
        on_revoked: Hook | None = None,
    ) -> None:
        check.instance("stream", stream, EventStream)
        check.instance("group", group, str)
        check.instance("name", name, str)
        auto_commit = check.number("auto_commit", auto_commit, above=0, optional=True)
        check.function("on_assigned", on_assigned, optional=True)
        check.function("on_revoked", on_revoked, optional=True)
        super().__init__(stream.group(group), name)
        self.stream, self.auto_commit = stream, auto_commit
        self._on_assigned, self._on_revoked = Listeners(), Listeners()
        for hooks, hook in ((self._on_assigned, on_assigned), (self._on_revoked, on_revoked)):
            if hook is not None:
                hooks.add(hook)
        self._in_hook = False
        self._position: dict[int, int | None] = {}  # None: the group has no offset there yet
        self._committed: dict[int, int] = {}  # offsets known to be committed, by partition
        self._next_commit = 0.0

    @property
    def position(self) -> dict[int, int]:
        """The offset of the next event that `poll` will return, by partition."""
        with self.stream.changed:
            return {p: self.stream.resolve(p, offset) for p, offset in self._position.items()}

    def poll(
        self,
        n: int = 500,
        timeout: float | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[StreamEvent]:
        """Return the next events of its partitions, at most `n`; an empty list after `timeout`
        seconds without any, or once `cancelled()` is true.

        `timeout=0` does not wait, `None` waits forever. A poll is also where the member takes part
        in rebalances: it joins, gives up its partitions, waits for the other members and gets its
        new partitions.

        Raises OffsetOutOfRange if retention has dropped the events at the group's offset and the
        stream's `out_of_range` is "error", RuntimeError once closed.
        """
        self._check_open()
        n = check.whole("n", n, low=1)
        timeout = check.number("timeout", timeout, low=0, optional=True)
        check.function("cancelled", cancelled, optional=True)
        if self._in_hook:
            raise RuntimeError("poll() must not be called by a hook of the same consumer")
        changed, runtime = self.stream.changed, self.stream.runtime
        deadline = None if timeout is None else runtime.now + timeout
        self._last_poll = None
        try:
            while True:
                if not self.closed:
                    self._rejoin_if_asked()
                with changed:
                    if self.closed or (cancelled is not None and cancelled()):
                        return []
                    # asked again under the lock: the group may have changed since the call above
                    if self._must_rejoin():
                        continue
                    # before fetching: what it commits are events that the caller has had time to
                    # handle
                    self._auto_commit_if_due()
                    events = self._fetch(n)
                    left = None if deadline is None else deadline - runtime.now
                    if events or (left is not None and left <= 0):
                        return events
                    # the wait ends early enough for what is due without a new event: the timeout, a
                    # check of the group, a commit
                    limits = [left, self.group.poll_limit(), self._seconds_to_commit()]
                    changed.wait(
                        min((limit for limit in limits if limit is not None), default=None)
                    )
        finally:
            with changed:
                self._last_poll = runtime.now

    def commit(self, offsets: Mapping[int, int] | None = None) -> bool:
        """Commit `offsets` (the next to read, by partition), or without them the member's position:
        everything that its polls have returned.

        False if the group refused one of them, because this member no longer owns that partition.
        Raises OffsetOutOfRange, before anything is committed, for one after the log's end.
        """
        check.instance("offsets", offsets, Mapping, optional=True)
        checked = {
            partition: self.stream.check_commit(
                check.whole(
                    "each partition in offsets", partition, high=self.stream.partition_count - 1
                ),
                check.whole("each offset in offsets", offset),
            )
            for partition, offset in ({} if offsets is None else offsets).items()
        }
        with self.stream.changed:
            if offsets is None:
                checked = {
                    p: at
                    for p, at in self._position.items()
                    if at is not None and at != self._committed.get(p)
                }
            # a refused partition does not stop the others: the member may still own those
            accepted = True
            for partition, offset in checked.items():
                if self.group.commit(
                    partition, offset, member=self.member, generation=self.generation
                ):
                    self._committed[partition] = offset
                else:
                    accepted = False
            return accepted

    def seek(self, partition: int, offset: int) -> None:
        """Continue at `offset`, earlier or later, in a partition that it owns. This commits
        nothing.

        Raises ValueError for another partition, OffsetOutOfRange for an offset that is not in the
        log.
        """
        offset = check.whole("offset", offset)
        with self.stream.changed:
            check.one_of("partition", partition, self._position)
            start, end = self.stream.log_start(partition), self.stream.end(partition)
            if not start <= offset <= end:
                raise OffsetOutOfRange(partition, offset, start, end)
            self._go_to(int(partition), offset)

    def read_again(self, partition: int, offset: int) -> bool:
        """Go back to `offset` in `partition`, or to the first that retention has left; False if it
        does not own the partition any more.
        """
        offset = check.whole("offset", offset)
        with self.stream.changed:
            start = self.stream.log_start(partition)
            owned = self.member in self.group.members and partition in self._position
            if owned:
                self._go_to(int(partition), max(offset, start))
            return owned

    def _go_to(self, partition: int, offset: int) -> None:
        self._position[partition] = offset
        self._emit("sought", offset, "", partition)

    def close(self) -> None:
        """Leave the group at once; with `auto_commit`, after a last commit."""
        with self.stream.changed:
            if self.auto_commit is not None and not self.closed:
                self.commit()
            # heartbeats stop before it leaves, so that none is sent by a member that is gone
            self.die()
            self.group.leave(self.member)
            self._position = {}

    def __iter__(self) -> Iterator[StreamEvent]:
        while not self.closed:
            try:
                events = self.poll(1)
            except RuntimeError:
                if self.closed:  # on threads, between the question above and the poll
                    return
                raise
            yield from events

    # How a member takes part in rebalances.

    def _rejoin_if_asked(self) -> None:
        with self.stream.changed:
            must_rejoin = self._must_rejoin()
            lost = self.member not in self.group.members
            given_up = sorted(self._position) if lost or self.group.rebalancing else []
            # before the partitions are given up: their next owner then does not repeat these events
            if must_rejoin and not lost and self.auto_commit is not None:
                self.commit()
        if not must_rejoin:
            return
        if given_up:
            self._tell(self._on_revoked, given_up)
        with self.stream.changed:
            if given_up:
                # after the hook, so that its `commit()` still knows what there is to commit
                self._position = {}
            if self.closed:  # by the hook
                return
            self.join()
            self._last_poll = None
            if self.group.rebalancing:
                self.group.ready(self.member)
            assigned = self._adopt_assignment()
        if assigned:
            self._tell(self._on_assigned, assigned)

    def _tell(self, hooks: Listeners, partitions: list[int]) -> None:
        """Tell a hook, outside the lock, since a user's function may be slow or call the stream."""
        self._in_hook = True
        try:
            hooks.tell(partitions)
        finally:
            self._in_hook = False

    def _adopt_assignment(self) -> list[int]:
        """Take over the partitions that a new generation assigns to this member, and return them;
        none if there is no new generation.
        """
        group = self.group
        if group.rebalancing or self.generation == group.generation:
            return []
        self.generation = group.generation
        # what it knew from before is old: another member may have committed there meanwhile
        self._committed = dict(group.committed)
        self._position = {p: group.committed.get(p) for p in group.assignment[self.member]}
        self._next_commit = self.stream.runtime.now + (self.auto_commit or 0.0)
        return sorted(self._position)

    def _fetch(self, n: int) -> list[StreamEvent]:
        """Return at most `n` events, from the partitions in turn.

        A partition that returned events moves to the end of `_position` (a dict keeps its order),
        so that a busy partition does not keep the others waiting.
        """
        stream, events = self.stream, list[StreamEvent]()
        # also without an event: from now on the position is a number, even if the log moves on
        starts = {p: stream.resolve(p, position) for p, position in self._position.items()}
        positions = dict[int, int | None](starts)
        for partition, start in starts.items():
            if (position := self._position[partition]) not in (None, start):
                self._emit("reset", position or 0, "", partition)
            # of the partition itself: `stream.fetch` would look at the clock again, and retention
            # may have dropped the event at `start` meanwhile
            room = n - len(events)
            found = stream.partitions[partition].fetch(start, room) if room else []
            if found:
                del positions[partition]
                positions[partition] = found[-1].sequence_number + 1
            for event in found:
                self._emit("read", event.sequence_number, event.event_id, partition)
            events += found
        # last, so that an interrupted poll has read nothing
        self._position = positions
        return events

    def _emit(self, event: str, entry: int, message_id: str, detail: Any) -> None:
        self.stream.emit(event, self.group.source, entry, message_id, detail, worker=self.member)

    def _auto_commit_if_due(self) -> None:
        if self.auto_commit is not None and self.stream.runtime.now >= self._next_commit:
            self.commit()
            self._next_commit = self.stream.runtime.now + self.auto_commit

    def _seconds_to_commit(self) -> float | None:
        if self.auto_commit is None or all(
            self._committed.get(p) == at for p, at in self._position.items()
        ):
            return None
        return max(self._next_commit - self.stream.runtime.now, 0.0)
