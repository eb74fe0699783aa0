"""The membership of a consumer in its group: it joins, sends heartbeats in the background, dies."""

from __future__ import annotations

from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.streaming.event_log import EventLog
from mqlearn.streaming.group import ConsumerGroup


class Membership:
    """A member of a group, as the member itself sees it; `Consumer` adds the polling.

    `member` is its id in the group ("" before it joins), `generation` the one whose assignment it
    has, and `closed` is true once it has left or died.
    """

    def __init__(self, group: ConsumerGroup, name: str) -> None:
        self.stream: EventLog = group.stream
        self.group, self.name = group, name
        self.member = ""
        self.generation = 0
        self.closed = False
        self._last_poll: float | None = None  # when poll last returned (s); None while it runs
        self._heartbeat_timer: Timer | None = None

    def join(self) -> None:
        """Join the group now instead of at the first poll. Raises RuntimeError once closed."""
        with self.stream.changed:
            self._check_open()
            if self.member not in self.group.members:
                self.member = self.group.join(self.name)
                self._last_poll = self.stream.runtime.now
                self._stop_heartbeat()  # that of its former membership, if it is still set
                self._schedule_heartbeat()

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
        seconds = check.number("seconds", seconds, low=0)
        self._stop_heartbeat()
        self.stream.runtime.sleep(seconds)
        with self.stream.changed:
            if not self.closed:  # it may have died meanwhile
                self._send_heartbeat()

    def _must_rejoin(self) -> bool:
        """Return True if the group waits for this member, or has a new assignment for it."""
        group, me = self.group, self.group.members.get(self.member)
        if me is None or (group.rebalancing and not me.ready):
            return True
        return not group.rebalancing and self.generation != group.generation

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError(
                f"{self.member or self.name} is closed, or died; make another consumer"
            )

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
