"""A member of a consumer group on Kafka, which polls for the events of its partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from mqlearn.engines.adapter import PATIENCE, PAUSE
from mqlearn.engines.errors import EngineError, Unsupported
from mqlearn.engines.kafka_client import GONE, translate
from mqlearn.engines.kafka_records import decode
from mqlearn.runtime import check
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.handed_in import Listeners
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import OffsetOutOfRange

SLICE = 0.1  # seconds of one wait, between two looks whether to go on
# A commit that the group refuses: this is not one of its members any more, or not yet.
REFUSED = {
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError._STATE,
    KafkaError._ASSIGNMENT_LOST,
}


class KafkaConsumer(Closing):
    """Reads the partitions that its group assigns to it; the first `poll` joins the group.

    Nothing is committed unless `commit` is called or `auto_commit` (s) is given. The two functions
    are called from within `poll`; they may commit and seek, but not poll. The client sends
    heartbeats on threads of its own, also while the member is busy; a member that does not poll for
    5 minutes leaves. `with` closes it at the end of the block. `for event in consumer` polls one
    event at a time, and ends when the consumer is closed.
    """

    def __init__(
        self,
        stream: Any,
        group_id: str,
        group: str,
        *,
        name: str,
        auto_commit: float | None,
        on_assigned: Callable[[list[int]], object] | None,
        on_revoked: Callable[[list[int]], object] | None,
    ) -> None:
        check.instance("name", name, str)
        self.auto_commit = check.number("auto_commit", auto_commit, above=0, optional=True)
        check.function("on_assigned", on_assigned, optional=True)
        check.function("on_revoked", on_revoked, optional=True)
        self.stream, self.name, self.group_name = stream, name, group
        self.closed = False
        self._on_assigned, self._on_revoked = Listeners(), Listeners()
        for hooks, hook in ((self._on_assigned, on_assigned), (self._on_revoked, on_revoked)):
            if hook is not None:
                hooks.add(hook)
        self._position: dict[int, int | None] = {}  # None: nothing was polled there yet
        self._committed: dict[int, int] = {}
        self._next_commit = 0.0
        self._lock = stream.runtime.lock()
        self._client = Consumer(
            {
                **stream._settings,
                "group.id": group_id,
                "client.id": name,
                "group.protocol": "consumer",  # KIP-848: the broker assigns
                "enable.auto.commit": False,
                "auto.offset.reset": stream.start,
                "isolation.level": stream.isolation,
                "fetch.wait.max.ms": 50,
            }
        )
        self._joined = False

    def join(self) -> None:
        """Ask to join the group now instead of at the first poll; polls bring the partitions."""
        with self._lock:
            self._check_open()
            if not self._joined:
                self._joined = True
                self._client.subscribe(
                    [self.stream.stored_as],
                    on_assign=self._assigned,
                    on_revoke=self._revoked,
                    on_lost=self._lost,
                )

    # How a member takes part in rebalances; the client calls these from within a poll.

    def _assigned(self, client: Any, partitions: list[TopicPartition]) -> None:
        for each in partitions:
            self._position.setdefault(each.partition, None)
        self._next_commit = self.stream.runtime.now + (self.auto_commit or 0.0)
        if partitions:
            self._on_assigned.tell(sorted(each.partition for each in partitions))

    def _revoked(self, client: Any, partitions: list[TopicPartition]) -> None:
        if self.auto_commit is not None:
            self.commit()
        self._lost(client, partitions)

    def _lost(self, client: Any, partitions: list[TopicPartition]) -> None:
        if partitions:
            self._on_revoked.tell(sorted(each.partition for each in partitions))
        for each in partitions:
            self._position.pop(each.partition, None)
            self._committed.pop(each.partition, None)

    @property
    def partitions(self) -> list[int]:
        """The partitions that this member owns, as far as it knows since its last poll."""
        return sorted(self._position)

    @property
    def position(self) -> dict[int, int]:
        """The offset of the next event that `poll` will return, by partition; for a partition where
        it has returned none yet, the broker is asked.
        """
        known = dict(self._position)
        if None not in known.values():
            return self.polled
        begun = self.stream.starts(self.group_name)
        return {p: begun[p] if at is None else at for p, at in known.items()}

    @property
    def polled(self) -> dict[int, int]:
        """The offset after the last event that `poll` has returned, by partition."""
        return {p: at for p, at in self._position.copy().items() if at is not None}

    def poll(
        self,
        n: int = 500,
        timeout: float | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[StreamEvent]:
        """Return the next events of its partitions, at most `n`; an empty list after `timeout`
        seconds without any, or once `cancelled()` is true. It waits for a broker that is gone.

        Raises OffsetOutOfRange if the event at the group's offset is deleted and the stream's
        `start` is "error", RuntimeError once closed.
        """
        n = check.whole("n", n, low=1)
        timeout = check.number("timeout", timeout, low=0, optional=True)
        check.function("cancelled", cancelled, optional=True)
        deadline = None if timeout is None else self.stream.runtime.now + timeout
        self.join()
        while True:
            left = SLICE if deadline is None else deadline - self.stream.runtime.now
            with self._lock:
                self._check_open()
                self._auto_commit_if_due()
                events = self._take(n, max(0.0, min(left, SLICE)))
            if events or left <= 0 or self.closed or (cancelled is not None and cancelled()):
                return events

    def _take(self, n: int, timeout: float) -> list[StreamEvent]:
        first = self._client.poll(timeout)
        if first is None:
            return []
        # `consume` would wait until there are n of them
        records = [first, *(self._client.consume(n - 1, 0) if n > 1 else ())]
        events = []
        for record in records:
            if record.error() is not None:
                self._raise(record)
            elif record.partition() in self._position:
                events.append(decode(record))
        for event in events:
            self._position[event.partition] = event.sequence_number + 1
            self._emit("read", event.sequence_number, event.event_id, event.partition)
        return events

    def _raise(self, record: Any) -> None:
        error, partition = record.error(), record.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            start, end = self.stream._bounds()[partition]
            raise OffsetOutOfRange(partition, max(0, record.offset()), start, end)
        if error.code() not in GONE:
            raise translate(error)

    def commit(self, offsets: Mapping[int, int] | None = None) -> bool:
        """Commit `offsets` (the next to read, by partition), or without them the member's position:
        everything that its polls have returned.

        False if the group refused, because this member no longer owns one of the partitions. Raises
        OffsetOutOfRange, before anything is committed, for one after the log's end.
        """
        check.instance("offsets", offsets, Mapping, optional=True)
        if offsets is None:
            wanted = {p: at for p, at in self.polled.items() if at != self._committed.get(p)}
        else:
            bounds = self.stream._bounds()
            for partition, offset in offsets.items():
                start, end = bounds[self.stream._chosen(check.whole("partition", partition))[0]]
                if check.whole("offset", offset) > end:
                    raise OffsetOutOfRange(partition, offset, start, end)
            wanted = dict(offsets)
        mine = {p: at for p, at in wanted.items() if p in self._position}
        # the broker asks which member commits, not whose the partition is
        return (not mine or self._commit(mine)) and len(mine) == len(wanted)

    def _commit(self, offsets: dict[int, int]) -> bool:
        topic, runtime = self.stream.stored_as, self.stream.runtime
        wanted, deadline = [TopicPartition(topic, *each) for each in offsets.items()], runtime.now
        while True:
            try:
                answers = self._client.commit(offsets=wanted, asynchronous=False)
                failed = next((tp.error for tp in answers if tp.error is not None), None)
            except KafkaException as error:
                failed = error.args[0]
            if failed is None:
                self._committed |= offsets
                for partition, offset in offsets.items():
                    self._emit("committed", offset, "", partition)
                return True
            if failed.code() in REFUSED:
                return False
            if failed.code() not in GONE:
                raise translate(failed)
            if runtime.now > deadline + PATIENCE:
                raise EngineError(f"kafka has not answered for {PATIENCE:g} s: {failed.str()}")
            runtime.sleep(PAUSE)

    def _auto_commit_if_due(self) -> None:
        if self.auto_commit is not None and self.stream.runtime.now >= self._next_commit:
            self.commit()
            self._next_commit = self.stream.runtime.now + self.auto_commit

    def seek(self, partition: int, offset: int) -> None:
        """Continue at `offset`, earlier or later, in a partition that it owns. This commits
        nothing.

        Raises ValueError for another partition, OffsetOutOfRange for an offset that is not in the
        log.
        """
        check.one_of("partition", partition, self.partitions)
        start, end = self.stream._bounds()[partition]
        if not start <= check.whole("offset", offset) <= end:
            raise OffsetOutOfRange(partition, offset, start, end)
        with self._lock:
            try:
                self._client.seek(TopicPartition(self.stream.stored_as, partition, offset))
            except KafkaException as error:
                raise translate(error.args[0]) from error
            self._position[partition] = offset
        self._emit("sought", offset, "", partition)

    def metadata(self) -> Any:
        """Return who this member is, for a transaction that commits its offsets."""
        return self._client.consumer_group_metadata()

    def die(self) -> NoReturn:
        """Raise Unsupported: the client goes on sending heartbeats as long as its process lives."""
        raise Unsupported(
            "die is unsupported on kafka: the client sends its heartbeats on threads of its own; "
            "kill the process of the member with signal 9"
        )

    def close(self) -> None:
        """Leave the group at once; with `auto_commit`, after a last commit."""
        with self._lock:
            if not self.closed:
                if self.auto_commit is not None:
                    self.commit()
                self.closed = True
                self._position = {}
                self._client.close()

    def __iter__(self) -> Iterator[StreamEvent]:
        while not self.closed:
            try:
                events = self.poll(1)
            except RuntimeError:
                if self.closed:  # by another thread, between the question above and the poll
                    return
                raise
            yield from events

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError(f"{self.name} is closed; make another consumer")

    def _emit(self, event: str, entry: int, message_id: str, detail: Any) -> None:
        source = f"{self.stream.name}/{self.group_name}"
        self.stream.emit(event, source, entry, message_id, detail)
