"""The controller of a replicated log: it decides which replicas are in sync and which one leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.handed_in import Listeners, ask
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Listener, Record, Trace, pack_record
from mqlearn.streaming.replica import Replica

# An election: it is given the log and the numbers of the replicas that are alive, and returns the
# number of the one that is to lead, or None for no leader.
Election = Callable[[Any, list[int]], int | None]


def clean_election(log: Controller, alive: list[int]) -> int | None:
    """Return the first replica of `alive` that has every committed entry: one of `log.isr`, else
    one of `log.elr`. If there is none, the first that is alive if `log.unclean`, else None.
    """
    check.instance("log", log, Controller)
    check.instance("alive", alive, list)
    complete = [n for n in alive if n in log.isr] or [n for n in alive if n in log.elr]
    return next(iter(complete or (alive if log.unclean else [])), None)


class Controller:
    """The part of a `ReplicatedLog` that decides: the in-sync set, elections, the high watermark.

    `isr` are the replicas in sync, `elr` those that left it and still have every committed entry,
    since nothing was committed afterwards. `leader` is the number of the replica that leads in
    `leader_epoch`, or None; an old leader that is cut off may believe that it still leads. Times
    are in seconds; `ReplicatedLog` explains the options.
    """

    def __init__(  # noqa: PLR0913 - those of ReplicatedLog
        self,
        name: str,
        replicas: int,
        *,
        min_insync_replicas: int,
        unclean: bool,
        fetch_every: float,
        lag_limit: float,
        session_timeout: float,
        flush_every: float,
        elect: Election,
        runtime: Runtime | None,
        trace: Trace | None,
    ) -> None:
        check.instance("name", name, str)
        count = check.whole("replicas", replicas, low=1)
        self.min_insync_replicas = check.whole(
            "min_insync_replicas", min_insync_replicas, low=1, high=count
        )
        check.instance("unclean", unclean, bool)
        fetch_every = check.number("fetch_every", fetch_every, above=0)
        self.lag_limit: float = check.number("lag_limit", lag_limit, above=0)
        self.session_timeout: float = check.number("session_timeout", session_timeout, above=0)
        self.flush_every: float = check.number("flush_every", flush_every, low=0)
        check.function("elect", elect)
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        self.name, self.unclean, self.trace = name, unclean, trace
        self.runtime = default_runtime() if runtime is None else runtime
        self.replicas = [Replica(number, fetch_every) for number in range(count)]
        self.isr, self.elr = set(range(count)), set[int]()
        self.leader: int | None = None
        self.leader_epoch = 0
        self.closed = False
        self._elect_by = elect
        self._lock = lock = self.runtime.lock()
        self._changed = self.runtime.condition(lock)
        self._listeners = Listeners()
        if trace is not None:
            trace.watch(self, self.runtime.at_close)
        with self._changed:
            for replica in self.replicas:
                replica.heard = self.runtime.now
            self._elect()

    def _session_is_over(self, replica: Replica) -> bool:
        return self.runtime.now - replica.heard >= self.session_timeout

    def _advance(self, leader: Replica) -> None:
        """Move the high watermark to the least end in the in-sync set, if that is large enough."""
        if leader.high_watermark == leader.end:
            return
        current = leader is self._chosen() and leader.epoch == self.leader_epoch
        if not (current and leader.reachable and len(self.isr) >= self.min_insync_replicas):
            return
        end = min(leader.known.get(number, leader.end) for number in self.isr)
        if end > leader.high_watermark:
            leader.high_watermark = end
            self._emit("committed", leader, end, 0)
            self._changed.notify_all()

    def _leave(self, replica: Replica, why: str) -> None:
        """Take a replica out of the in-sync set."""
        complete = self.isr | self.elr == {replica.number}
        if complete and len(self.isr) >= self.min_insync_replicas:
            return  # no other has every committed entry: without it nothing could lead again
        self.isr.discard(replica.number)
        # below the minimum nothing is committed, so what it has now stays complete
        if len(self.isr) < self.min_insync_replicas:
            self.elr.add(replica.number)
        self._emit("isr_shrunk", replica, len(self.isr), why)

    def _join(self, replica: Replica) -> None:
        """Take a replica that has caught up into the in-sync set."""
        self.isr.add(replica.number)
        self.elr.discard(replica.number)
        if len(self.isr) >= self.min_insync_replicas:
            self.elr.clear()
        self._emit("isr_grown", replica, len(self.isr))

    def _elect(self) -> None:
        """Let the election choose, and begin an epoch with the replica that it has chosen."""
        alive = [replica.number for replica in self.replicas if replica.reachable]
        chosen = ask(
            self.runtime,
            lambda: self._answer(self._elect_by(self, list(alive)), alive),
            lambda: clean_election(self, alive),
        )
        if chosen is None:
            if self.leader is not None:
                self._emit("offline", self.replicas[self.leader])
            self.leader = None
            return
        clean = chosen in self.isr | self.elr
        if not clean:  # the others may have what this one has not; they follow it all the same
            self.isr, self.elr = set(), set()
        self.leader, self.leader_epoch = chosen, self.leader_epoch + 1
        leader = self.replicas[chosen]
        followers = [replica.number for replica in self.replicas if replica is not leader]
        leader.lead(self.leader_epoch, followers, self.runtime.now)
        self._emit("elected", leader, leader.end, "clean" if clean else "unclean")
        if chosen not in self.isr:
            self._join(leader)
        self._changed.notify_all()

    @staticmethod
    def _answer(chosen: int | None, alive: list[int]) -> int | None:
        check.one_of("the elected replica", chosen, [*alive, None])
        return None if chosen is None else int(chosen)

    def _chosen(self) -> Replica | None:
        return None if self.leader is None else self.replicas[self.leader]

    # What a trace needs.

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` under the lock for each record from now on, with `existing` first
        for what each replica has already.
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        with self._changed:
            for replica in self.replicas if existing else []:
                if replica.end:
                    listener(self._record("fetched", replica, replica.end, replica.end))
            self._listeners.add(listener)

    def census(self) -> dict[str, int]:
        """Return how many entries each replica has, by its name in the trace."""
        with self._changed:
            return {replica.name: replica.end for replica in self.replicas}

    def _emit(
        self,
        event: str,
        replica: Replica | None,
        entry: int = 0,
        detail: object = None,
        value: Any = "",
        **more: Any,
    ) -> None:
        """Send a record to all listeners; the caller holds the lock."""
        if self._listeners:
            self._listeners.tell(self._record(event, replica, entry, detail, value, **more))
        elif self.runtime.virtual:
            self.runtime.stamp()  # each record shows a simulation that something happens

    def _record(
        self,
        event: str,
        replica: Replica | None,
        entry: int,
        detail: object,
        value: Any = "",
        *,
        worker: str = "",
        attempt: int = 0,
    ) -> Record:
        text = value if isinstance(value, str) else check.short_repr(value)
        # a replica that leads, or believes so, speaks of its own epoch
        epoch = self.leader_epoch
        if replica is not None:
            worker, epoch = replica.name, replica.epoch if replica.leads else epoch
        now, _ = self.runtime.stamp()
        return pack_record((now, event, self.name, entry, text, "", attempt, worker, epoch, detail))
