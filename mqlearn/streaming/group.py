"""A consumer group's coordinator: members, their partitions, and committed offsets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.runtime.handed_in import ask
from mqlearn.streaming.assignment import (
    ASSIGNORS,
    Assignor,
    Owners,
    check_complete,
    range_assignment,
)
from mqlearn.streaming.event_log import EventLog


@dataclass(slots=True)
class Member:
    """A member, as the group sees it: the time of its `last_heartbeat` (s), and `ready` once it has
    given up its partitions and waits for the next generation.
    """

    last_heartbeat: float
    ready: bool = False


class ConsumerGroup:
    """Assigns every partition of a stream to one member, and fences (refuses the commits of)
    workers that are no longer members.

    When a member joins or is gone, the group *rebalances*. It does so eagerly: at its next poll,
    each member gives up all its partitions. When the last member has done so a new generation
    begins, and `assignment` ("range", "sticky" or a function like those) says which member gets
    which partitions. If that function fails or forgets a partition, this generation is assigned by
    "range", and the error surfaces from `run()` or `join()`. A member is gone when it leaves, when
    no heartbeat came for `session_timeout` seconds, or when it has not polled for `poll_interval`
    seconds; the member checks the last itself when it sends a heartbeat, every
    `heartbeat_interval` seconds. `committed` is the next offset to read in each partition.

    Source: Apache Kafka's classic protocol and its defaults (`session.timeout.ms`,
    `max.poll.interval.ms`).
    """

    def __init__(
        self,
        stream: EventLog,
        name: str,
        *,
        assignment: str | Assignor = "range",
        session_timeout: float = 45.0,
        poll_interval: float = 300.0,
        heartbeat_interval: float = 3.0,
    ) -> None:
        check.instance("name", name, str)
        if callable(assignment):
            check.function("assignment", assignment)
        else:
            check.one_of("assignment", assignment, ASSIGNORS)
        session_timeout = check.number("session_timeout", session_timeout, above=0)
        poll_interval = check.number("poll_interval", poll_interval, above=0)
        heartbeat_interval = check.number(
            "heartbeat_interval", heartbeat_interval, above=0, high=session_timeout
        )
        self.stream, self.name = stream, name
        self.source = f"{stream.name}/{name}"  # its name in the trace
        self.session_timeout, self.poll_interval = session_timeout, poll_interval
        self.heartbeat_interval = heartbeat_interval
        self.generation = 0
        self.rebalancing = False
        self.members: dict[str, Member] = {}
        self.assignment: Owners = {}  # what each member owns at this moment
        self.committed: dict[int, int] = {}
        self._assign: Assignor = assignment if callable(assignment) else ASSIGNORS[assignment]
        self._last_assignment: Owners = {}  # the one that this generation began with
        self._joins: Counter[str] = Counter()  # by name
        self._used_ids: set[str] = set()
        self._timer: Timer | None = None
        # appended, committed and the generation when they last changed, and when that was (s)
        self._progress, self._progress_at = (0, 0, 0), stream.runtime.now

    # What members call, through their `Consumer`.

    def join(self, name: str) -> str:
        """Add a member and return its id: the `name`, with a number added if that was an id before.

        An id is never used again: otherwise the group could not distinguish a zombie from its
        successor, or a second "a" from a member that is named "a.2".
        """
        check.instance("name", name, str)
        with self.stream.changed:
            self._joins[name] += 1
            member = name if self._joins[name] == 1 else f"{name}.{self._joins[name]}"
            while member in self._used_ids:
                self._joins[name] += 1
                member = f"{name}.{self._joins[name]}"
            self._used_ids.add(member)
            self.members[member] = Member(self.stream.runtime.now)
            self._emit("joined", member)
            self._rebalance()
            self._schedule_eviction()
            return member

    def ready(self, member: str) -> None:
        """Give up the member's partitions. The next generation begins when all members have done
        so.

        Raises ValueError for an id that is not a member's.
        """
        with self.stream.changed:
            self._member(member).ready = True
            self._revoke(member)
            self._begin_generation()

    def heartbeat(self, member: str) -> bool:
        """Record that the member is alive; False if it is no longer a member."""
        check.instance("member", member, str)
        with self.stream.changed:
            if member in self.members:
                self.members[member].last_heartbeat = self.stream.runtime.now
            return member in self.members

    def leave(self, member: str, *, why: str = "") -> bool:
        """Remove a member: it leaves or, with a reason (`why`), is evicted. False if it was not a
        member.
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
        """Store `offset` as the next to read in `partition`; False if the caller may not commit
        there.

        A member may commit for the partitions it owns, in the generation that gave them to it; a
        caller without a member id, only while the group has no members. A commit with an old
        generation comes from a *zombie*: a member that the group removed as dead, but that is still
        working. Its commit is refused; its effects on other systems are not prevented.

        Raises OffsetOutOfRange for an `offset` after the log's end.
        """
        partition = check.whole("partition", partition, high=self.stream.partition_count - 1)
        check.instance("member", member, str, optional=True)
        generation = check.whole("generation", generation, optional=True)
        offset = self.stream.check_commit(partition, offset)
        with self.stream.changed:
            return self.commit_under_lock(partition, offset, member, generation)

    def commit_under_lock(
        self, partition: int, offset: int, member: str | None = None, generation: int | None = None
    ) -> bool:
        """Do as `commit`, for a caller that holds the lock and has checked the arguments."""
        allowed = self._allows(partition, member, generation)
        if allowed:
            self.committed[partition] = offset
        if self.stream.observed:
            self._emit("committed" if allowed else "fenced", member or "", partition, offset)
        # all is committed: members that wait with a limit (see `poll_limit`) are woken, and then
        # wait for the next event without one
        if allowed and self.members and not self._has_uncommitted():
            self.stream.changed.notify_all()
        return allowed

    def _allows(self, partition: int, member: str | None, generation: int | None) -> bool:
        # the fence: a generation that has ended gives no right to commit, even for a partition the
        # member owns again
        if generation not in (None, self.generation):
            return False
        return not self.members if member is None else partition in self.assignment.get(member, ())

    # How a rebalance works.

    def _rebalance(self) -> None:
        """Ask all members to give up their partitions: members that wait in `poll` do so at once,
        the others at their next poll.
        """
        if not self.rebalancing:
            self.rebalancing = True
            for member in self.members.values():
                member.ready = False
        self.stream.changed.notify_all()

    def _begin_generation(self) -> None:
        """Begin the next generation, unless a member is not ready yet."""
        while self._may_begin():
            names = sorted(self.members)
            owners = self._ask_assignor(names)
            # asked before anything changes; and again if it has let a member join or leave
            if self._may_begin() and names == sorted(self.members):
                self._begin(owners)

    def _may_begin(self) -> bool:
        return self.rebalancing and all(member.ready for member in self.members.values())

    def _ask_assignor(self, names: list[str]) -> Owners:
        """Return the partitions of each member, from the assignor or, if it fails, by range."""
        partitions = self.stream.partition_count
        # copies: it may change what it is given
        given, previous = list(names), {n: list(had) for n, had in self._last_assignment.items()}
        try:
            return ask(
                self.stream.runtime,
                lambda: (
                    check_complete(self._assign(given, partitions, previous), names, partitions)
                    if names
                    else {}
                ),
                lambda: range_assignment(names, partitions),
            )
        except BaseException:
            # an interrupt or a crash: the next member that polls is ready again, and asks again
            for member in self.members.values():
                member.ready = False
            self.stream.changed.notify_all()
            raise

    def _begin(self, owners: Owners) -> None:
        self.rebalancing = False
        if owners:
            self._last_assignment = owners
            self.assignment = {name: list(owned) for name, owned in owners.items()}
            self.generation += 1
            for name, owned in self.assignment.items():
                self._emit("assigned", name, tuple(owned), self.generation)
        # "latest" is committed as a number now. If the first owner died before its own first
        # commit, the next owner would start at a later "latest", and miss the events in between.
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
        # the one that is gone may have been the last that the others waited for
        self._begin_generation()

    def _revoke(self, member: str) -> None:
        owned = self.assignment.get(member)
        if owned:
            self.assignment[member] = []
            self._emit("revoked", member, tuple(owned), self.generation)

    # How missing heartbeats are noticed.

    def _schedule_eviction(self) -> None:
        """Set the timer for when the first session may time out."""
        if self._timer is None and self.members:
            self._timer = self.stream.runtime.call_at(
                self._first_timeout(), weak_callback(self._evict_silent), daemon=True
            )

    def _evict_silent(self) -> None:
        with self.stream.changed:
            self._timer = None
            now = self.stream.runtime.now
            # a list, since `_remove` changes the dict
            try:
                for name, member in list(self.members.items()):
                    # it may have left meanwhile, if the assignor let it
                    if name in self.members and (
                        member.last_heartbeat + self.session_timeout <= now
                    ):
                        self._remove(name, "session timeout")
            finally:  # also if an assignor ends this run: the other members can still die
                self._schedule_eviction()

    def _first_timeout(self) -> float:
        return min(member.last_heartbeat for member in self.members.values()) + self.session_timeout

    def poll_limit(self) -> float | None:
        """Return the seconds that a member may wait for events before it checks the group again;
        None: it waits until it is woken.

        While events are uncommitted, the member that took them may have died, and its partitions
        become free only when its session times out. A simulation ends when nothing is due, so this
        limited wait keeps it running until then. Without progress for longer than `poll_interval` +
        `session_timeout` no member is working, and the wait has no limit any more, so that the
        simulation can end.
        """
        with self.stream.changed:
            now = self.stream.runtime.now
            progress = (
                sum(log.end for log in self.stream.partitions),
                sum(self.committed.values()),
                self.generation,
            )
            if progress != self._progress:
                self._progress, self._progress_at = progress, now
            stalled = now > self._progress_at + self.poll_interval + self.session_timeout
            if stalled or not self.members or not self._has_uncommitted():
                return None
            return max(self._first_timeout() - now, 0.0)

    def _has_uncommitted(self) -> bool:
        stream, committed = self.stream, self.committed
        return any(
            log.lag(committed[p] if p in committed else stream.resolve(p, None)) > 0
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
