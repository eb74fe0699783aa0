"""The replication of a log: what its replicas do in the background, and what may happen to them."""

from __future__ import annotations

from functools import partial
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.repeating import Repeating
from mqlearn.streaming.controller import Controller
from mqlearn.streaming.replica import Replica

LOOK_EVERY = 0.05  # seconds between two looks of the controller


class Replication(Controller):
    """The part of a `ReplicatedLog` that works in the background: followers fetch, the controller
    looks, disks are written. And its faults.
    """

    def __init__(self, name: str, replicas: int, **options: Any) -> None:
        super().__init__(name, replicas, **options)
        self._background = self._begin()

    def _begin(self) -> list[Repeating]:
        """Start what goes on in the background."""
        runtime = self.runtime
        background = [
            Repeating(
                runtime,
                partial(self._fetch, replica),
                partial(getattr, replica, "fetch_every"),
                first=self._first_fetch(replica.number),
            )
            for replica in self.replicas
        ]
        background.append(Repeating(runtime, self._look, lambda: LOOK_EVERY, first=LOOK_EVERY))
        if self.flush_every:
            every = self.flush_every
            background.append(Repeating(runtime, self._flush, lambda: every, first=every))
        return background

    def _first_fetch(self, number: int) -> float:
        """Return the seconds until a replica first fetches. They differ, so that not all replicas
        fetch at the same instants.
        """
        return self.replicas[number].fetch_every * self.runtime.draw(
            "first fetch", self.name, number
        )

    def close(self) -> None:
        """Stop fetches, elections and writes to disk; an append that waits is not answered."""
        with self._changed:
            self.closed = True
            for call in self._background:
                call.cancel()
            self._changed.notify_all()

    # What followers do.

    def _fetch(self, replica: Replica) -> None:
        """Let a follower fetch from the leader, if each reaches the controller."""
        with self._changed:
            leader = self._chosen()
            if leader is None or leader is replica or not leader.leads:
                return
            if leader.reachable and replica.reachable:
                self._fetch_from(leader, replica)

    def _fetch_from(self, leader: Replica, replica: Replica) -> None:
        if replica.epoch < leader.epoch:
            replica.epoch, replica.leads = leader.epoch, False
            self._cut(leader, replica)
        # The follower says where it ends, and then takes what comes next. So the leader hears of an
        # entry with the follower's next fetch.
        leader.note_fetch(replica, self.runtime.now)
        if replica.number not in self.isr and replica.end >= max(
            leader.began, leader.high_watermark
        ):
            self._join(replica)
        self._advance(leader)
        copied = replica.copy(leader)
        if copied:
            self._emit("fetched", replica, replica.end, copied)

    def _cut(self, leader: Replica, replica: Replica) -> None:
        """Bring a replica into the history of a newer epoch."""
        dropped = replica.cut(leader)
        if dropped:
            self._emit("truncated", replica, replica.end, dropped)
        self._changed.notify_all()  # if it led before, its appends are not answered any more

    def _flush(self) -> None:
        with self._changed:
            for replica in self.replicas:
                if replica.up and replica.flushed < replica.end:
                    replica.flushed = replica.end
                    self._emit("flushed", replica, replica.end)

    def _look(self) -> None:
        """See which replicas are silent or lag behind, and whether the leader still leads."""
        with self._changed:
            now = self.runtime.now
            for replica in self.replicas:
                if replica.reachable:
                    replica.heard = now
                elif replica.number in self.isr and self._session_is_over(replica):
                    self._leave(replica, "session")
            leader = self._chosen()
            if (
                leader is None
                or self._session_is_over(leader)
                or (leader.reachable and not leader.leads)  # it was restarted
            ):
                self._elect()
            elif leader.reachable:
                for number, caught_up in leader.caught_up.items():
                    if number in self.isr and now - caught_up >= self.lag_limit:
                        self._leave(self.replicas[number], "lag")
                self._advance(leader)

    # What goes wrong.

    def kill(self, number: int) -> bool:
        """End a replica's process, as kill -9 does; False if it was not running. What it wrote is
        in the page cache, and is kept.
        """
        replica = self.replicas[self._number("number", number)]
        with self._changed:
            if not replica.up:
                return False
            self._emit("killed", replica, replica.end)
            self._stop(replica)
            return True

    def power_cut(self, *numbers: int) -> None:
        """Switch off the machines of these replicas: what is not on disk is lost."""
        replicas = [self.replicas[self._number("number", number)] for number in numbers]
        with self._changed:
            for replica in replicas:
                lost = replica.lose_power() if self.flush_every else 0
                self._emit("power_cut", replica, replica.end, lost)
                self._stop(replica)

    def _stop(self, replica: Replica) -> None:
        replica.up = replica.leads = False
        self._changed.notify_all()

    def restart(self, number: int) -> bool:
        """Start a replica's process again; False if it was running. One that has lost entries is
        not in sync any more, unless no other is.
        """
        replica = self.replicas[self._number("number", number)]
        with self._changed:
            if replica.up:
                return False
            replica.up = True
            self._emit("restarted", replica, replica.end)
            lost, replica.lost_entries = replica.lost_entries, False
            if lost and (self.isr | self.elr) - {replica.number}:
                self._expel(replica)
            return True

    def _expel(self, replica: Replica) -> None:
        """Take a replica that is not complete any more out of both sets."""
        was_in_sync = replica.number in self.isr
        self.isr.discard(replica.number)
        self.elr.discard(replica.number)
        if was_in_sync:
            self._emit("isr_shrunk", replica, len(self.isr), "power")

    def partition(self, number: int, cut: bool = True) -> bool:
        """Cut a replica off from the controller and the other replicas, or connect it again; False
        if it was so already. Clients that ask it by `to` still reach it.
        """
        replica = self.replicas[self._number("number", number)]
        check.instance("cut", cut, bool)
        with self._changed:
            if replica.cut_off == cut:
                return False
            replica.cut_off = cut
            self._emit("cut_off" if cut else "healed", replica, replica.end)
            return True

    def slow(self, number: int, fetch_every: float) -> None:
        """Let a replica fetch only every `fetch_every` seconds, from its next fetch on."""
        replica = self.replicas[self._number("number", number)]
        fetch_every = check.number("fetch_every", fetch_every, above=0)
        with self._changed:
            replica.fetch_every = fetch_every
            self._emit("slowed", replica, replica.end, fetch_every)

    def _number(self, name: str, number: Any, *, optional: bool = False) -> Any:
        return check.whole(name, number, high=len(self.replicas) - 1, optional=optional)
