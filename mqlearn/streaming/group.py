"""A consumer group's coordinator: who is a member, who reads which partition, how far the group
is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.streaming.assignment import ASSIGNORS, Assignor, Owners, complete

if TYPE_CHECKING:
    from mqlearn.streaming.stream import EventStream


@dataclass(slots=True)
class Member:
    """`heard`: when its last heartbeat came (s). `ready`: it has given up what it had and waits for
    what it gets.
    """

    heard: float
    ready: bool = False


class ConsumerGroup:
    """Gives every partition of a stream to one member, and fences those who are no longer members.

    Whenever a member joins or is gone, the group *rebalances*, eagerly: each member, when it next
    polls, gives up all it has; when the last has done so a new generation begins, and `assignment`
    ("range", "sticky" or a function like those) deals the partitions out. A member is gone when it
    leaves, when no heartbeat came for `session_timeout` seconds, or when it has not polled for
    `poll_interval` seconds, which it notices itself between two heartbeats, sent every
    `heartbeat_interval` seconds. `committed` is the next offset to read in each partition.

    Source: Apache Kafka's classic protocol and its defaults (`session.timeout.ms`,
    `max.poll.interval.ms`).
    """

    def __init__(
        self,
        stream: EventStream,
        name: str,
        *,
        assignment: str | Assignor = "range",
        session_timeout: float = 45.0,
        poll_interval: float = 300.0,
        heartbeat_interval: float = 3.0,
    ) -> None:
        check.instance("name", name, str)
        if not callable(assignment):
            check.one_of("assignment", assignment, ASSIGNORS)
        check.number("session_timeout", session_timeout, above=0)
        check.number("poll_interval", poll_interval, above=0)
        check.number("heartbeat_interval", heartbeat_interval, above=0, high=session_timeout)
        self.stream, self.name = stream, name
        self.source = f"{stream.name}/{name}"  # what records call it
        self.session_timeout, self.poll_interval = session_timeout, poll_interval
        self.heartbeat_interval = heartbeat_interval
        self.generation = 0
        self.rebalancing = False
        self.members: dict[str, Member] = {}
        self.assignment: Owners = {}  # what each member owns at this moment
        self.committed: dict[int, int] = {}
        self._assign: Assignor = assignment if callable(assignment) else ASSIGNORS[assignment]
        self._before: Owners = {}  # the assignment that this generation began with
        self._lives: Counter[str] = Counter()
        self._timer: Timer | None = None
        self._seen, self._since = (0, 0, 0), stream.runtime.now

    # What members call. The consumer of each does it for them.

    def join(self, name: str) -> str:
        """Become a member; returns the id: the `name`, with a number behind it if that was ever
        taken.

        An id is never used again, or a zombie would pass for its successor.
        """
        check.instance("name", name, str)
        with self.stream.changed:
            self._lives[name] += 1
            member = name if self._lives[name] == 1 else f"{name}.{self._lives[name]}"
            self.members[member] = Member(self.stream.runtime.now)
            self._emit("joined", member)
            self._rebalance()
            self._watch()
            return member

    def ready(self, member: str) -> None:
        """Give up what the member has. The generation begins when all members have done so.

        Raises ValueError for somebody who is not a member.
        """
        with self.stream.changed:
            self._member(member).ready = True
            self._revoke(member)
            self._begin()

    def heartbeat(self, member: str) -> bool:
        """The member is alive; False if it is no longer a member."""
        check.instance("member", member, str)
        with self.stream.changed:
            if member in self.members:
                self.members[member].heard = self.stream.runtime.now
            return member in self.members

    def leave(self, member: str, *, why: str = "") -> bool:
        """Be no member any more: of one's own will or, with a reason, evicted; False if it was
        none.
        """
        check.instance("member", member, str)
        check.instance("why", why, str)
        with self.stream.changed:
            if member not in self.members:
                return False
            self._remove(member, why)
            return True

    def commit(
        self,
        partition: int,
        offset: int,
        *,
        member: str | None = None,
        generation: int | None = None,
    ) -> bool:
        """Keep `offset` as the next to read in `partition`; False if that was not the caller's to
        say.

        A member may do so for what it owns, in the generation in which it got it; somebody who is
        none, only while the group has no members. A member's old generation is how a *zombie* is
        known: it was taken for dead and works on. Its commit is refused; what else it does to the
        world is not.
        """
        check.whole("partition", partition, high=self.stream.partition_count - 1)
        check.whole("offset", offset)
        check.instance("member", member, str, optional=True)
        check.whole("generation", generation, optional=True)
        with self.stream.changed:
            return self.keep(partition, offset, member, generation)

    def keep(
        self, partition: int, offset: int, member: str | None = None, generation: int | None = None
    ) -> bool:
        """`commit`, for who holds the stream's lock and has checked what it says."""
        allowed = self._allows(partition, member, generation)
        if allowed:
            self.committed[partition] = offset
        if self.stream._listeners:
            self._emit("committed" if allowed else "fenced", member or "", partition, offset)
        if allowed and self.members and not self._behind():
            self.stream.changed.notify_all()  # nobody needs to look at the clock any more
        return allowed

    def _allows(self, partition: int, member: str | None, generation: int | None) -> bool:
        if generation not in (None, self.generation):
            return False
        return not self.members if member is None else partition in self.assignment.get(member, ())

    # How a rebalance goes.

    def _rebalance(self) -> None:
        """Call all members in; those who wait in `poll` at once, the others when they next come
        by.
        """
        if not self.rebalancing:
            self.rebalancing = True
            for member in self.members.values():
                member.ready = False
        self.stream.changed.notify_all()

    def _begin(self) -> None:
        """Begin the next generation, unless somebody is still missing."""
        if not self.rebalancing or not all(member.ready for member in self.members.values()):
            return
        self.rebalancing = False
        if self.members:
            partitions, names = self.stream.partition_count, sorted(self.members)
            self._before = complete(
                self._assign(names, partitions, self._before), names, partitions
            )
            self.assignment = {name: list(owned) for name, owned in self._before.items()}
            self.generation += 1
            for name, owned in self.assignment.items():
                self._emit("assigned", name, tuple(owned), self.generation)
        # or what comes before the first commit is missed by the next owner
        if self.stream.start == "latest":
            for partition in range(self.stream.partition_count):
                self.committed.setdefault(partition, self.stream.end(partition))
        self.stream.changed.notify_all()

    def _remove(self, member: str, why: str) -> None:
        self._revoke(member)
        del self.members[member]
        self.assignment.pop(member, None)
        self._emit("evicted" if why else "left", member, why or None)
        self._rebalance()
        self._begin()

    def _revoke(self, member: str) -> None:
        owned = self.assignment.get(member)
        if owned:
            self.assignment[member] = []
            self._emit("revoked", member, tuple(owned), self.generation)

    # How the dead are noticed.

    def _watch(self) -> None:
        """Look again when the first session may run out."""
        if self._timer is None and self.members:
            self._timer = self.stream.runtime.call_at(
                self._first_end(), weak_callback(self._evict_silent), daemon=True
            )

    def _evict_silent(self) -> None:
        with self.stream.changed:
            self._timer = None
            now = self.stream.runtime.now
            for name, member in list(self.members.items()):
                if member.heard + self.session_timeout <= now:
                    self._remove(name, "session timeout")
            self._watch()

    def _first_end(self) -> float:
        return min(member.heard for member in self.members.values()) + self.session_timeout

    def poll_limit(self) -> float | None:
        """How long (s) who waits for events should at most wait before looking at the clock; None:
        for ever.

        While events are uncommitted somebody may have died over them, and it takes time until that
        shows. In a simulation such a wait keeps time going, but not for ever if nobody is at work.
        """
        with self.stream.changed:
            now = self.stream.runtime.now
            seen = (
                sum(log.end for log in self.stream.partitions),
                sum(self.committed.values()),
                self.generation,
            )
            if seen != self._seen:
                self._seen, self._since = seen, now
            hopeless = now > self._since + self.poll_interval + self.session_timeout
            if hopeless or not self.members or not self._behind():
                return None
            return max(self._first_end() - now, 0.0)

    def _behind(self) -> bool:
        stream, committed = self.stream, self.committed
        return any(
            log.end > (committed[p] if p in committed else stream._resolve(p, None))
            for p, log in enumerate(stream.partitions)
        )

    def _member(self, name: str) -> Member:
        check.one_of("member", name, self.members)
        return self.members[name]

    def _emit(
        self, event: str, member: str, detail: object = None, entry: int | None = None
    ) -> None:
        self.stream.emit(
            event,
            self.source,
            self.generation + 1 if entry is None else entry,
            member,
            detail,
            worker=member,
        )
