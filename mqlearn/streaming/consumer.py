"""One member of a consumer group: it polls for events, and sends heartbeats in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream

Hook = Callable[[list[int]], object]


class Consumer:
    """Reads the partitions that its group assigns to it; the first `poll` joins the group.

    Nothing is committed unless `commit` is called or `auto_commit` (s) is given. With
    `auto_commit`, a poll commits the events that earlier polls returned: every `auto_commit`
    seconds, and before the member gives up its partitions. `on_assigned(partitions)` and
    `on_revoked(partitions)` are called from within `poll`, with no lock held. A member that was
    evicted finds this out at its next poll, and joins again.

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
        check.number("auto_commit", auto_commit, above=0, optional=True)
        check.function("on_assigned", on_assigned, optional=True)
        check.function("on_revoked", on_revoked, optional=True)
        self.stream, self.group = stream, stream.group(group)
        self.name, self.auto_commit = name, auto_commit
        self.member = ""  # its id in the group; "" before it joins
        self.generation = 0
        self.closed = False  # it has left, or died
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._position: dict[int, int | None] = {}  # None: the group has no offset there yet
        self._committed: dict[int, int] = {}  # offsets known to be committed, by partition
        self._next_commit = 0.0
        self._last_poll: float | None = None  # when poll last returned (s); None while it runs
        self._heartbeat_timer: Timer | None = None

    @property
    def position(self) -> dict[int, int]:
        """The offset of the next event that `poll` will return, by partition."""
        with self.stream.changed:
            return {p: self.stream.resolve(p, offset) for p, offset in self._position.items()}

    def join(self) -> None:
        """Join the group now instead of at the first poll. Raises RuntimeError once closed."""
        with self.stream.changed:
            self._check_open()
            if self.member not in self.group.members:
                self.member = self.group.join(self.name)
                self._last_poll = self.stream.runtime.now
                self._stop_heartbeat()  # that of its former membership, if it is still set
                self._schedule_heartbeat()

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
        check.whole("n", n, low=1)
        check.number("timeout", timeout, low=0, optional=True)
        check.function("cancelled", cancelled, optional=True)
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
        """
        check.instance("offsets", offsets, Mapping, optional=True)
        for partition, offset in ({} if offsets is None else offsets).items():
            check.whole(
                "each partition in offsets", partition, high=self.stream.partition_count - 1
            )
            check.whole("each offset in offsets", offset)
        with self.stream.changed:
            if offsets is None:
                offsets = {
                    p: at
                    for p, at in self._position.items()
                    if at is not None and at != self._committed.get(p)
                }
            # a refused partition does not stop the others: the member may still own those
            accepted = True
            for partition, offset in offsets.items():
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
        with self.stream.changed:
            check.one_of("partition", partition, self._position)
            # read only to raise OffsetOutOfRange before anything is changed
            self.stream.fetch(partition, offset)
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

    def die(self) -> None:
        """Stop at once without leaving the group, as in a power failure: the group finds out only
        when heartbeats are missing.
        """
        with self.stream.changed:
            self.closed = True
            self._stop_heartbeat()

    def stall(self, seconds: float) -> None:
        """Pause for `seconds`, without heartbeats, and then continue as if nothing had happened:
        like a process in a long pause for garbage collection.
        """
        check.number("seconds", seconds, low=0)
        self._stop_heartbeat()
        self.stream.runtime.sleep(seconds)
        with self.stream.changed:
            self._send_heartbeat()

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError(
                f"{self.member or self.name} is closed, or died; make another consumer"
            )

    # How a member takes part in rebalances.

    def _must_rejoin(self) -> bool:
        """Return True if the group waits for this member, or has a new assignment for it."""
        group, me = self.group, self.group.members.get(self.member)
        if me is None or (group.rebalancing and not me.ready):
            return True
        return not group.rebalancing and self.generation != group.generation

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
            self._position = {}
            if self._on_revoked is not None:
                # outside the lock, since a user's function may be slow or call the stream
                self._on_revoked(given_up)
        with self.stream.changed:
            self.join()
            self._last_poll = None
            if self.group.rebalancing:
                self.group.ready(self.member)
            assigned = self._adopt_assignment()
        if assigned and self._on_assigned is not None:
            self._on_assigned(assigned)

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
        starts = {p: stream.resolve(p, position) for p, position in self._position.items()}
        for partition, start in starts.items():
            if (position := self._position[partition]) not in (None, start):
                self._emit("reset", position or 0, "", partition)
            found = stream.fetch(partition, start, n - len(events)) if len(events) < n else []
            # also without an event: from now on the position is a number, even if the log moves on
            self._position[partition] = start
            if found:
                del self._position[partition]
                self._position[partition] = found[-1].sequence_number + 1
            for event in found:
                self._emit("read", event.sequence_number, event.event_id, partition)
            events += found
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

    # Heartbeats.

    def _send_heartbeat(self) -> None:
        """Send a heartbeat, or leave the group if `poll` was not called for too long. An evicted
        member sends no more heartbeats.
        """
        with self.stream.changed:
            self._stop_heartbeat()
            now, group = self.stream.runtime.now, self.group
            # the member itself checks this, as Kafka's client does: its heartbeats alone look
            # healthy to the group
            if self._last_poll is not None and now >= self._last_poll + group.poll_interval:
                group.leave(self.member, why="poll interval")
            elif group.heartbeat(self.member):
                self._schedule_heartbeat()

    def _stop_heartbeat(self) -> None:
        if self._heartbeat_timer is not None:
            self._heartbeat_timer.cancel()
            self._heartbeat_timer = None

    def _schedule_heartbeat(self) -> None:
        now, group = self.stream.runtime.now, self.group
        due = now + group.heartbeat_interval
        if self._last_poll is not None:
            # earlier than the next heartbeat, if the time for polling ends before that
            due = min(due, max(self._last_poll + group.poll_interval, now))
        self._heartbeat_timer = self.stream.runtime.call_at(
            due, weak_callback(self._send_heartbeat), daemon=True
        )
