"""A log that survives its broker: each entry is copied to other brokers before it counts."""

from __future__ import annotations

from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.controller import Election, clean_election
from mqlearn.streaming.replica import (
    REFUSALS,
    Entry,
    NotEnoughReplicas,
    NotLeader,
    Replica,
    Truncated,
)
from mqlearn.streaming.replication import Replication

ACKS = ("all", 1, 0)


def checked_acks(acks: str | int) -> str | int:
    """Return `acks`; raise ValueError unless it is "all", 1 or 0."""
    if type(acks) in (str, int) and acks in ACKS:
        return acks  # the usual case first: it is asked at each append
    # True equals 1 in Python, but it is no number of replicas
    if isinstance(acks, bool):
        raise ValueError(f"acks must be one of 'all', 1, 0, got {acks}")
    check.one_of("acks", acks, ACKS)
    return acks


class ReplicatedLog(Replication, Closing):
    """One partition on several brokers: a leader takes what is appended, the others follow it.

    A follower fetches every `fetch_every` seconds, and reports with each fetch where its log ends.
    The *in-sync set* (`isr`) are the replicas that keep up: a replica leaves it when the controller
    has not heard from it for `session_timeout` seconds, or it lags for `lag_limit` seconds. The
    *high watermark* is the least end in that set. What is below it is *committed*: every replica in
    sync has it, and readers see it. It stands still while fewer than `min_insync_replicas` are in
    sync. When the leader is gone, `elect` chooses another, by default one that has all that is
    committed; with `unclean` any, which may lose entries. Each election begins an *epoch*: a
    replica that hears of a newer one stops leading and drops what the new leader does not have.
    What was written reaches the disk every `flush_every` seconds (0: before each answer); a power
    cut loses the rest. Use it in a `with` block on threads, or call `close()`.

    Source: Apache Kafka (acks, min.insync.replicas, KIP-101's leader epoch, KIP-966's eligible
    leader replicas), with one partition, and a controller that never fails.
    """

    def __init__(  # noqa: PLR0913 - each is one that a real broker has, too
        self,
        name: str,
        replicas: int = 3,
        *,
        min_insync_replicas: int = 1,
        unclean: bool = False,
        fetch_every: float = 0.1,
        lag_limit: float = 30.0,
        session_timeout: float = 9.0,
        flush_every: float = 30.0,
        elect: Election = clean_election,
        runtime: Runtime | None = None,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(
            name,
            replicas,
            min_insync_replicas=min_insync_replicas,
            unclean=unclean,
            fetch_every=fetch_every,
            lag_limit=lag_limit,
            session_timeout=session_timeout,
            flush_every=flush_every,
            elect=elect,
            runtime=runtime,
            trace=trace,
        )

    # What producers call.

    def append(
        self,
        value: Any,
        *,
        acks: str | int = "all",
        timeout: float = 10.0,
        to: int | None = None,
        producer: str = "",
        sequence: int = 0,
    ) -> int | None:
        """Append `value` and return its offset: yes, it is there. None is no answer: it may be
        there or not.

        `acks` says what the answer waits for: "all" until the entry is committed, at most `timeout`
        seconds; 1 only for the leader; 0 for nothing, which is never an answer. `to` is the replica
        that the caller believes to lead; None: it asks the controller. A `producer` numbers what it
        sends (`sequence`, from 1 on): a number that is there already is answered with its offset,
        and not appended again.

        Raises NotLeader, NotEnoughReplicas or OutOfSequence: it was surely not appended.
        """
        acks = checked_acks(acks)
        timeout = check.number("timeout", timeout, low=0)
        to = self._number("to", to, optional=True)
        check.instance("producer", producer, str)
        sequence = check.whole(
            "sequence", sequence, low=1 if producer else 0, high=None if producer else 0
        )
        with self._changed:
            try:
                leader = self._leading(to)
                offset = self._take(leader, value, acks, producer, sequence)
            except REFUSALS as refusal:
                asked = self._chosen() if to is None else self.replicas[to]
                self._emit("refused", asked, 0, type(refusal).__name__, value)
                raise
            if acks == 0:
                return None
            if acks == "all" and not self._wait_until_committed(leader, offset, timeout):
                self._emit("unanswered", leader, offset, None, value)
                return None
            self._emit("acknowledged", leader, offset, None, value)
            return offset

    def _take(
        self, leader: Replica, value: Any, acks: str | int, producer: str, sequence: int
    ) -> int:
        """Append the value at a leader, unless its number is there; return its offset."""
        if acks == "all" and len(self.isr) < self.min_insync_replicas:
            raise NotEnoughReplicas(
                f"{len(self.isr)} in sync, min_insync_replicas is {self.min_insync_replicas}"
            )
        known = leader.offset_of(producer, sequence) if producer else None
        if known is not None:
            return known
        leader.log.append(Entry(value, leader.epoch, producer, sequence))
        self._emit("appended", leader, leader.end - 1, 0, value)
        self._advance(leader)
        return leader.end - 1

    def _wait_until_committed(self, leader: Replica, offset: int, timeout: float) -> bool:
        """Wait until the high watermark has passed `offset`; False if the time is up (s), or the
        leader of this epoch leads no more.
        """
        epoch, deadline = leader.epoch, self.runtime.now + timeout
        while leader.leads and leader.epoch == epoch and not self.closed:
            left = deadline - self.runtime.now
            if leader.high_watermark > offset or left <= 0:
                return leader.high_watermark > offset
            self._changed.wait(left)
        return False

    def note_retry(self, producer: str, value: Any, attempt: int) -> None:
        """Record that `producer` asks again about `value`, for the `attempt`-th time."""
        check.instance("producer", producer, str)
        attempt = check.whole("attempt", attempt, low=2)
        with self._changed:
            self._emit("sent_again", None, value=value, worker=producer, attempt=attempt)

    # What readers call.

    def fetch(
        self, offset: int, n: int = 500, *, to: int | None = None, committed: bool = True
    ) -> list[Any]:
        """Return at most `n` values from `offset` on, those that are committed; without `committed`
        all that the leader has. `to` is the replica that the caller believes to lead.

        Raises NotLeader, and Truncated for an `offset` after the leader's end.
        """
        offset = check.whole("offset", offset)
        n = check.whole("n", n, low=1)
        to = self._number("to", to, optional=True)
        check.instance("committed", committed, bool)
        with self._changed:
            leader = self._leading(to)
            if offset > leader.end:
                raise Truncated(0, offset, 0, leader.end)
            end = leader.high_watermark if committed else leader.end
            return [entry.value for entry in leader.log[offset : min(end, offset + n)]]

    @property
    def high_watermark(self) -> int:
        """The end of what is committed, as the leader knows it; 0 without a leader."""
        leader = self._chosen()
        return 0 if leader is None else leader.high_watermark

    def _leading(self, to: int | None) -> Replica:
        """Return the replica that a client asks. Raises NotLeader if it does not lead."""
        if self.closed:
            raise NotLeader(f"{self.name} is closed")
        number = self.leader if to is None else to
        if number is None:
            raise NotLeader(f"no replica of {self.name} leads")
        if not self.replicas[number].leads:
            raise NotLeader(f"replica {number} of {self.name} does not lead")
        return self.replicas[number]
