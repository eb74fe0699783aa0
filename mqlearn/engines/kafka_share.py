"""The members of a share group that this process has.

A member may poll again only once everything that its last poll brought is settled. So each delivery
that is in flight occupies a member, and each worker that waits occupies one too. Any thread may use
a member, but only one at a time.

After a poll that finds nothing, the request stays with the broker, which answers it with the next
record, whether or not the process still waits. Its lease runs from then on. So a worker that waits
also looks at the members that no other worker uses, and members that are idle for 1 s are closed:
what one of them has got meanwhile is delivered again, as its second delivery.

Source: KIP-932 (share groups); measured with Apache Kafka 4.4.0 and librdkafka 2.16.0.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from confluent_kafka import (
    AcknowledgeType,
    IllegalStateException,
    KafkaError,
    KafkaException,
    ShareConsumer,
)

from mqlearn.engines.errors import EngineError
from mqlearn.engines.kafka_client import ANSWER, KafkaGone, translate
from mqlearn.runtime.base import Runtime, weak_callback

# the broker's word for a record that is another member's
STALE = "INVALID_RECORD_STATE"
ACCEPT, RELEASE, REJECT = AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT
ROUND_TRIP = 0.2  # seconds: a poll that is shorter may end before the broker's answer
JOIN = 10.0  # seconds that a new member may take to join its group
SLICE = 0.05  # seconds of one poll, between two looks at the other members
IDLE = 1.0  # seconds without use until a member is closed
MOST = 100  # members of one process; a broker allows 200 in a group


class Acquired(NamedTuple):
    """A record that was delivered to a member, which holds it at least until `until` (s)."""

    member: ShareMember
    record: Any
    until: float

    @property
    def offset(self) -> int:
        return int(self.record.offset())

    @property
    def left(self) -> float:
        """Seconds that it is still held for sure."""
        return self.until - self.member.runtime.now


class ShareMember:
    """One member of the group. It takes at most `size` records with a poll, each for a `lease` in
    seconds.
    """

    def __init__(
        self, settings: dict[str, Any], topic: str, size: int, lease: float, runtime: Runtime
    ) -> None:
        self.size, self.lease, self.runtime = size, lease, runtime
        self.used = runtime.now
        self.joined = self.closed = False
        self.asked: float | None = None  # since when a request is with the broker, if one is
        self.open: set[int] = set()  # offsets that are not settled; the group's lock guards it
        self.lapsed: list[Any] = []  # records whose lease is over, to be let go of
        self._gone = ""
        self._lock = runtime.lock()
        mine = {
            "max.poll.records": size,
            "share.acknowledgement.mode": "explicit",
            "error_cb": self._note_error,
            "stats_cb": self._note_statistics,
            "statistics.interval.ms": 50,
        }
        self._client = ShareConsumer({**settings, **mine})
        self._client.subscribe([topic])

    def _note_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._gone = error.str()

    def _note_statistics(self, text: str) -> None:
        if not self.joined:
            self.joined = bool(re.search(r'"assignment_size": *[1-9]', text))

    def poll(self, timeout: float) -> list[Acquired]:
        """Return records that are now in flight, or none within `timeout` seconds. Raises KafkaGone
        if the broker does not answer.
        """
        with self._lock:
            if self.closed:
                return []
            while self.lapsed:
                with suppress(IllegalStateException):
                    self._client.acknowledge(self.lapsed.pop(), RELEASE)
            since = self.runtime.now if self.asked is None else self.asked
            found = list(self._client.poll(timeout))
            self.used = self.runtime.now
            self.asked = None if found else self.used
        records = [record for record in found if record.error() is None]
        if found and not records:
            raise translate(found[0].error())
        if not found and self._gone:
            gone, self._gone = self._gone, ""
            raise KafkaGone(gone)
        return [Acquired(self, record, since + self.lease) for record in records]

    def settle(self, records: Sequence[Acquired], how: Any) -> list[bool | None]:
        """Acknowledge records of this member, and return for each whether the broker agrees that
        they were still this member's; None if its answer was lost. Kafka answers for all of them at
        once.
        """
        done: list[bool | None] = [False] * len(records)
        with self._lock:
            if self.closed:
                return done
            for number, each in enumerate(records):
                if each.left > 0:
                    with suppress(IllegalStateException):
                        self._client.acknowledge(each.record, how)
                        done[number] = True
                else:
                    # the broker answers yes to a late ack of what another member has acked
                    self.lapsed.append(each.record)
            try:
                answers = self._client.commit_sync(ANSWER) if any(done) else {}
            except KafkaException:
                # the broker is gone: it delivers again what was not settled when it is back
                return [None if each else False for each in done]
        if not any(done):
            return done
        refused = any(error is not None and STALE in str(error) for error in answers.values())
        agreed = bool(answers) and all(answer is None for answer in answers.values())
        return [(agreed or (False if refused else None)) if each else False for each in done]

    def close(self) -> None:
        """Leave the group; what is in flight goes back at once."""
        with self._lock:
            if not self.closed:
                self.closed = True
                with suppress(KafkaException):
                    self._client.close()


class ShareMembers:
    """All members of one group in this process, in use and free; a record's `lease` is in
    seconds.
    """

    def __init__(
        self, settings: dict[str, Any], topic: str, lease: float, runtime: Runtime
    ) -> None:
        self._settings, self._topic, self._lease = settings, topic, lease
        self._runtime = runtime
        self._lock = runtime.lock()
        self._all: list[ShareMember] = []
        self._free: list[ShareMember] = []  # the one used last is at the end
        self._ready: deque[Acquired] = deque()  # delivered beyond what was asked for
        self._swept = self._closed = False

    def take(self, n: int, timeout: float) -> list[Acquired]:
        """Return at most `n` records, once there is one; none if there is none within `timeout`
        seconds, or within the time of a round trip if that is longer.
        """
        found = self._take_ready(n)
        if found:
            return found
        member = self._borrow(n)
        try:
            found = self._wait(member, n, timeout)
            with self._lock:
                self._ready.extend(found[n:])
            return found[:n]
        finally:
            self._give_back([member])

    def _wait(self, member: ShareMember, n: int, timeout: float) -> list[Acquired]:
        begun = self._runtime.now
        deadline = begun + max(timeout, ROUND_TRIP)
        while not self._closed:
            found = self._look() or self._take_ready(n)
            if not found:
                found = self._open(member.poll(min(SLICE, max(0.0, deadline - self._runtime.now))))
            if found:
                return found
            if not member.joined:
                deadline = max(deadline, min(self._runtime.now + ROUND_TRIP, begun + JOIN))
            if self._runtime.now >= deadline:
                break
        return []

    def _look(self) -> list[Acquired]:
        """Return what the free members have got since they were polled last."""
        with self._lock:
            asked = [member for member in self._free if member.asked is not None]
            self._free = [member for member in self._free if member.asked is None]
        found: list[Acquired] = []
        for member in asked:
            used = member.used
            with suppress(KafkaGone):  # the member that waits will notice that too
                found += self._open(member.poll(0.0))
            member.used = used  # a look is no use
        self._give_back(asked)
        return found

    def _open(self, found: list[Acquired]) -> list[Acquired]:
        with self._lock:
            for each in found:
                each.member.open.add(each.offset)
        return found

    def _take_ready(self, n: int) -> list[Acquired]:
        with self._lock:
            late = [each for each in self._ready if each.left <= 0]
            for each in late:
                self._ready.remove(each)
            found = [self._ready.popleft() for _ in range(min(n, len(self._ready)))]
        for each in late:
            self.lapse(each)
        return found

    def _borrow(self, n: int) -> ShareMember:
        with self._lock:
            for member in reversed(self._free):
                if member.size == n:
                    self._free.remove(member)
                    return member
            if len(self._all) >= MOST:
                raise EngineError(
                    f"on kafka a process may hold at most {MOST} deliveries that it received one "
                    "by one, since each needs a member of the group: ack some, or use receive_many"
                )
            member = ShareMember(self._settings, self._topic, n, self._lease, self._runtime)
            self._all.append(member)
            return member

    def _give_back(self, members: Sequence[ShareMember]) -> None:
        """Let others use members, unless something of theirs is in flight."""
        with self._lock:
            self._free += [m for m in members if not (m.open or m.closed or m in self._free)]
            if self._free and not self._swept and not self._closed:
                self._swept = True
                again = self._runtime.now + IDLE / 2
                self._runtime.call_at(again, weak_callback(self._sweep), daemon=True)

    def settle(self, records: Sequence[Acquired], how: Any) -> list[bool | None]:
        """Acknowledge records, and return for each whether it was still held; None if the answer
        was lost.
        """
        done: dict[int, bool | None] = {}
        for member in {id(each.member): each.member for each in records}.values():
            mine = [each for each in records if each.member is member]
            for each, agreed in zip(mine, member.settle(mine, how), strict=True):
                done[id(each)] = agreed
            self._end(mine)
        return [done[id(each)] for each in records]

    def lapse(self, record: Acquired) -> None:
        """Let go of a record whose lease is over, without asking the broker, which knows."""
        record.member.lapsed.append(record.record)
        self._end([record])

    def _end(self, records: Sequence[Acquired]) -> None:
        member = records[0].member
        with self._lock:
            member.open.difference_update(each.offset for each in records)
        self._give_back([member])

    def _sweep(self) -> None:
        """Close the members that are idle, on a thread of its own: that takes a round trip."""
        before = self._runtime.now - IDLE
        with self._lock:
            self._swept = False
            idle = [member for member in self._free if member.used < before]
            self._free = [member for member in self._free if member.used >= before]
        if idle:
            self._runtime.spawn(self._put_away, idle, daemon=True)
        self._give_back([])

    def _put_away(self, idle: list[ShareMember]) -> None:
        for member in idle:
            member.close()
            with self._lock:
                if member in self._all:
                    self._all.remove(member)

    def close(self) -> None:
        """Close every member; what is in flight goes back at once."""
        self._closed = True
        with self._lock:
            members, self._all, self._free = self._all, [], []
        for member in members:
            member.close()
