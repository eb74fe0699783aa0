"""One member of a consumer group: it polls, and while it lives, its heartbeats say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream

Hook = Callable[[list[int]], object]


class Consumer:
    """Reads the partitions that its group gives it; the first `poll` joins the group.

    Nothing is committed unless `commit` is called or `auto_commit` is given: then whatever earlier
    polls returned is committed every so many seconds, by a poll, and before partitions are given
    up. `on_assigned(partitions)` and `on_revoked(partitions)` are called from within `poll`, with
    no lock held; a member that was evicted is told when it next polls, and joins again.

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
        self._position: dict[int, int | None] = {}  # None: the group is new to this partition
        self._saved: dict[int, int] = {}  # what was committed, of that
        self._next_commit = 0.0
        self._polled: float | None = None  # when poll last returned (s); None while it runs
        self._heart: Timer | None = None

    @property
    def position(self) -> dict[int, int]:
        """The next offset to be handed out, by partition."""
        with self.stream.changed:
            return {p: self.stream.resolve(p, offset) for p, offset in self._position.items()}

    def join(self) -> None:
        """Join the group now, not with the first poll. Raises RuntimeError once closed."""
        with self.stream.changed:
            self._usable()
            if self.member not in self.group.members:
                self.member = self.group.join(self.name)
                self._polled = self.stream.runtime.now
                self._stop_heartbeat()  # the heart of its life before, if that still beats
                self._schedule_heartbeat()

    def poll(
        self,
        n: int = 500,
        timeout: float | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[StreamEvent]:
        """The next events of its partitions, at most `n`; none after `timeout` seconds, or once
        `cancelled()`.

        `timeout=0` only looks, `None` waits for ever. Here the member follows its group: it joins,
        gives up what it has when the group rebalances, waits for the others, gets its partitions.

        Raises OffsetOutOfRange where retention has overtaken the group and the stream's
        `out_of_range` is "error", RuntimeError once closed.
        """
        self._usable()
        check.whole("n", n, low=1)
        check.number("timeout", timeout, low=0, optional=True)
        check.function("cancelled", cancelled, optional=True)
        changed, runtime = self.stream.changed, self.stream.runtime
        ends = None if timeout is None else runtime.now + timeout
        self._polled = None
        try:
            while True:
                if not self.closed:
                    self._follow()
                with changed:
                    if self.closed or (cancelled is not None and cancelled()):
                        return []
                    if self._must_rejoin():
                        continue
                    self._commit_in_time()
                    events = self._take(n)
                    left = None if ends is None else ends - runtime.now
                    if events or (left is not None and left <= 0):
                        return events
                    limits = [left, self.group.poll_limit(), self._until_commit()]
                    changed.wait(
                        min((limit for limit in limits if limit is not None), default=None)
                    )
        finally:
            with changed:
                self._polled = runtime.now

    def commit(self, offsets: Mapping[int, int] | None = None) -> bool:
        """Commit `offsets`, the next to read by partition, or else the position: all that polls
        have returned.

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
                    if at is not None and at != self._saved.get(p)
                }
            accepted = True
            for partition, offset in offsets.items():
                if self.group.commit(
                    partition, offset, member=self.member, generation=self.generation
                ):
                    self._saved[partition] = offset
                else:
                    accepted = False
            return accepted

    def seek(self, partition: int, offset: int) -> None:
        """Go on at `offset`, back or forth, in a partition it owns; the next commit may commit it.

        Raises ValueError for another partition, OffsetOutOfRange for an offset that is not in the
        log.
        """
        with self.stream.changed:
            check.one_of("partition", partition, self._position)
            self.stream.fetch(partition, offset)
            self._position[partition] = offset
            self._emit("sought", offset, "", partition)

    def close(self) -> None:
        """Leave the group at once; with `auto_commit`, after a last commit."""
        with self.stream.changed:
            if self.auto_commit is not None and not self.closed:
                self.commit()
            self.die()
            self.group.leave(self.member)
            self._position = {}

    def die(self) -> None:
        """Fall silent without a word, as in a power failure: the group learns it from the
        heartbeats it misses.
        """
        with self.stream.changed:
            self.closed = True
            self._stop_heartbeat()

    def stall(self, seconds: float) -> None:
        """Stand still for `seconds` and then go on as if nothing had happened: a long pause to
        collect garbage.
        """
        check.number("seconds", seconds, low=0)
        self._stop_heartbeat()
        self.stream.runtime.sleep(seconds)
        with self.stream.changed:
            self._beat()

    def _usable(self) -> None:
        if self.closed:
            raise RuntimeError(
                f"{self.member or self.name} is closed, or died; make another consumer"
            )

    # How a member follows its group.

    def _must_rejoin(self) -> bool:
        """Whether the group wants something of this member."""
        group, me = self.group, self.group.members.get(self.member)
        if me is None or (group.rebalancing and not me.ready):
            return True
        return not group.rebalancing and self.generation != group.generation

    def _follow(self) -> None:
        with self.stream.changed:
            called = self._must_rejoin()
            lost = self.member not in self.group.members
            given_up = sorted(self._position) if lost or self.group.rebalancing else []
            if called and not lost and self.auto_commit is not None:
                self.commit()
        if not called:
            return
        if given_up:
            self._position = {}
            if self._on_revoked is not None:
                self._on_revoked(given_up)
        with self.stream.changed:
            self.join()
            self._polled = None
            if self.group.rebalancing:
                self.group.ready(self.member)
            got = self._adopt_assignment()
        if got and self._on_assigned is not None:
            self._on_assigned(got)

    def _adopt_assignment(self) -> list[int]:
        """What a generation that has begun gives to this member."""
        group = self.group
        if group.rebalancing or self.generation == group.generation:
            return []
        self.generation = group.generation
        self._saved = dict(group.committed)
        self._position = {p: group.committed.get(p) for p in group.assignment[self.member]}
        self._next_commit = self.stream.runtime.now + (self.auto_commit or 0.0)
        return sorted(self._position)

    def _take(self, n: int) -> list[StreamEvent]:
        """At most `n` events; who gave some goes to the back of the line."""
        stream, events = self.stream, list[StreamEvent]()
        starts = {p: stream.resolve(p, wanted) for p, wanted in self._position.items()}
        for partition, start in starts.items():
            if (wanted := self._position[partition]) not in (None, start):
                self._emit("reset", wanted or 0, "", partition)
            found = stream.fetch(partition, start, n - len(events)) if len(events) < n else []
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

    def _commit_in_time(self) -> None:
        if self.auto_commit is not None and self.stream.runtime.now >= self._next_commit:
            self.commit()
            self._next_commit = self.stream.runtime.now + self.auto_commit

    def _until_commit(self) -> float | None:
        if self.auto_commit is None or all(
            self._saved.get(p) == at for p, at in self._position.items()
        ):
            return None
        return max(self._next_commit - self.stream.runtime.now, 0.0)

    # The heart.

    def _beat(self) -> None:
        """Send a heartbeat, or leave if `poll` was not called for too long; an evicted member's
        heart stops.
        """
        with self.stream.changed:
            self._stop_heartbeat()
            now, group = self.stream.runtime.now, self.group
            if self._polled is not None and now >= self._polled + group.poll_interval:
                group.leave(self.member, why="poll interval")
            elif group.heartbeat(self.member):
                self._schedule_heartbeat()

    def _stop_heartbeat(self) -> None:
        if self._heart is not None:
            self._heart.cancel()
            self._heart = None

    def _schedule_heartbeat(self) -> None:
        now, group = self.stream.runtime.now, self.group
        due = now + group.heartbeat_interval
        if self._polled is not None:
            due = min(due, max(self._polled + group.poll_interval, now))
        self._heart = self.stream.runtime.call_at(due, weak_callback(self._beat), daemon=True)
