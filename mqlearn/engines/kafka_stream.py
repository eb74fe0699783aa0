"""A log on Kafka: a topic, and consumer groups that remember how far they have read.

    mqlearn-NAME           a topic: the events
    mqlearn-NAME.GROUP     a consumer group: its members and its committed offsets

Source: kafka.apache.org/documentation; KIP-848 (the consumer group protocol of Kafka 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from mqlearn.engines.kafka_client import ANSWER, translate, translated
from mqlearn.engines.kafka_consumer import KafkaConsumer
from mqlearn.engines.kafka_log import KafkaLog
from mqlearn.engines.kafka_transaction import KafkaTransaction, KafkaTransactions
from mqlearn.runtime import check
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import OffsetOutOfRange

# A commit that the group refuses: it has members, or the member is not one of them any more.
REFUSED = {
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.NON_EMPTY_GROUP,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError.STALE_MEMBER_EPOCH,
}


class KafkaGroup(NamedTuple):
    """A consumer group as the broker sees it now: the committed offset by partition, and the
    partitions of each member by its name.
    """

    name: str
    committed: dict[int, int]
    assignment: dict[str, list[int]]

    @property
    def members(self) -> list[str]:
        return sorted(self.assignment)


class KafkaStream(KafkaLog):
    """The log of an `EventStream` on a Kafka broker, `kafka://host:port`: the same events, keys and
    partitions, offsets, and groups.

    An append returns once the broker has confirmed it; what is sent again because a confirm was
    lost is dropped by the broker. Nothing is deleted but by `delete_records`. A group that has no
    offset yet, or whose offset is no longer in the log, continues at the "earliest", at the
    "latest", or with an "error" (`start`): Kafka has one setting for both. With `isolation`
    "read_committed" what an open or aborted transaction wrote is not seen. The marker at the end
    of a transaction takes an offset too, so `end` and `lag` may be larger than the number of
    events.

    `EventStreamProcessor` needs the groups of an `EventStream`. Here the same functions run in a
    loop: `for event in stream.consumer("billing")`, then the handler, then `commit`.
    """

    def __init__(
        self,
        url: str,
        name: str,
        partition_count: int = 4,
        *,
        start: str = "earliest",
        isolation: str = "read_committed",
        trace: Trace | None = None,
        runtime: ThreadRuntime | None = None,
    ) -> None:
        self._consumers: list[KafkaConsumer] = []
        super().__init__(
            url,
            name,
            partition_count,
            start=start,
            isolation=isolation,
            trace=trace,
            runtime=runtime,
        )
        self._transactions = KafkaTransactions(self)

    # What readers call.

    def read(
        self, consumer_group: str, from_offset: int = 0, partition: int | None = None
    ) -> Iterator[StreamEvent]:
        """Yield the events that `consumer_group` has not read, partition by partition, each up to
        its end at the time when the loop reached that partition.

        It starts at the group's committed offset, or at `from_offset` if that is later. An event is
        committed when the next one is asked for, or when the loop ends by itself: a round trip for
        each, which a consumer that commits in batches saves. While the group has members, only
        these may commit, so this reader commits nothing.
        """
        group = self._group_id(consumer_group)
        from_offset = check.whole("from_offset", from_offset)
        return self._read(consumer_group, group, from_offset, self._chosen(partition))

    def _read(
        self, name: str, group: str, from_offset: int, partitions: list[int]
    ) -> Iterator[StreamEvent]:
        for partition in partitions:
            start, end = self._bounds()[partition]
            offset = self.insist(self._committed, group).get(partition)
            at = max(self._resolve(partition, offset, start, end), from_offset)
            for event in self._events(partition, at, end):
                offset = event.sequence_number
                self.emit("read", f"{self.name}/{name}", offset, event.event_id, partition)
                yield event
                # reached only when the loop asks for another event: this one has been handled
                if self.insist(self._commit, group, partition, offset + 1):
                    self.emit("committed", f"{self.name}/{name}", offset + 1, "", partition)

    def _resolve(self, partition: int, offset: int | None, start: int, end: int) -> int:
        if offset is not None and start <= offset <= end:
            return offset
        if self.start == "error":
            raise OffsetOutOfRange(partition, offset or 0, start, end)
        return start if self.start == "earliest" else end

    def consumer(
        self,
        group: str,
        *,
        name: str = "member",
        auto_commit: float | None = None,
        on_assigned: Callable[[list[int]], object] | None = None,
        on_revoked: Callable[[list[int]], object] | None = None,
    ) -> KafkaConsumer:
        """Return a new member of a group, with the options of `Consumer`; `auto_commit` is in
        seconds.
        """
        self._check_open()
        member = KafkaConsumer(
            self,
            self._group_id(group),
            group,
            name=name,
            auto_commit=auto_commit,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
        )
        self._consumers.append(member)
        return member

    # What groups do.

    def _group_id(self, name: str) -> str:
        check.instance("group", name, str)
        return f"{self.stored_as}.{name}"

    def group(self, name: str) -> KafkaGroup:
        """Return a group as the broker sees it now."""
        group = self._group_id(name)
        return KafkaGroup(
            name, self.insist(self._committed, group), self.insist(self._assigned, group)
        )

    def _committed(self, group: str) -> dict[int, int]:
        with translated():
            asked = [ConsumerGroupTopicPartitions(group)]
            (future,) = self._admin.client.list_consumer_group_offsets(asked).values()
            found = future.result(ANSWER).topic_partitions
        known = [(tp.partition, tp.offset) for tp in found if tp.topic == self.stored_as]
        return {partition: offset for partition, offset in sorted(known) if offset >= 0}

    def _assigned(self, group: str) -> dict[str, list[int]]:
        try:
            (future,) = self._admin.client.describe_consumer_groups([group]).values()
            members = future.result(ANSWER).members
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return {}
            raise translate(error.args[0]) from error
        return {
            member.client_id: sorted(tp.partition for tp in member.assignment.topic_partitions)
            for member in members
        }

    def commit_offset(self, consumer_group: str, partition: int, offset: int) -> bool:
        """Store `offset` as the next that the group reads in `partition`; False while the group has
        members, since only these may commit then.

        Raises OffsetOutOfRange for an `offset` after the log's end.
        """
        group = self._group_id(consumer_group)
        (partition,) = self._chosen(check.whole("partition", partition))
        start, end = self._bounds()[partition]
        if check.whole("offset", offset) > end:
            raise OffsetOutOfRange(partition, offset, start, end)
        if not self.insist(self._commit, group, partition, offset):
            return False
        self.emit("committed", f"{self.name}/{consumer_group}", offset, "", partition)
        return True

    def _commit(self, group: str, partition: int, offset: int) -> bool:
        wanted = ConsumerGroupTopicPartitions(
            group, [TopicPartition(self.stored_as, partition, offset)]
        )
        try:
            (future,) = self._admin.client.alter_consumer_group_offsets([wanted]).values()
            (answer,) = future.result(ANSWER).topic_partitions
            refused = answer.error
        except KafkaException as error:
            refused = error.args[0]
        if refused is not None and refused.code() not in REFUSED:
            raise translate(refused)
        return refused is None

    def seek(self, consumer_group: str, partition: int, offset: int) -> bool:
        """Let the group continue at `offset`, earlier or later; False while it has members.

        Raises OffsetOutOfRange for an `offset` that is not in the log.
        """
        (partition,) = self._chosen(check.whole("partition", partition))
        start, end = self._bounds()[partition]
        if not start <= check.whole("offset", offset) <= end:
            raise OffsetOutOfRange(partition, offset, start, end)
        return self.commit_offset(consumer_group, partition, offset)

    def lag(self, consumer_group: str) -> dict[int, int]:
        """Return the lag by partition: the number of offsets between the group's committed one and
        the end, markers of transactions included.
        """
        ends, begun = self.get_latest_offset(), self.starts(consumer_group)
        return {p: max(0, ends[p] - at) for p, at in begun.items()}

    def starts(self, consumer_group: str) -> dict[int, int]:
        """Return by partition where the group reads on: at its committed offset, or where `start`
        says.
        """
        committed = self.insist(self._committed, self._group_id(consumer_group))
        return {
            p: self._resolve(p, committed.get(p), start, end)
            for p, (start, end) in enumerate(self._bounds())
        }

    # What operators call.

    def transaction(self, name: str = "producer") -> AbstractContextManager[KafkaTransaction]:
        """Return a transaction for a `with` block: what is appended to it becomes visible together
        at the end of the block, and never if the block raises.

        `name` says which producer this is: a second one with the same name ends the first one,
        whose transaction then fails (a zombie is fenced).
        """
        self._check_open()
        check.instance("name", name, str)
        return self._transactions.begin(name)

    def get_stream_info(self) -> dict[str, Any]:
        """Return the number of offsets that are left in the stream, and the committed offsets of
        each group.
        """
        sizes = [end - start for start, end in self._bounds()]
        return {
            "stream_name": self.stream_name,
            "partition_count": self.partition_count,
            "total_events": sum(sizes),
            "partition_sizes": sizes,
            "consumer_groups": {
                group.partition(".")[2]: self.insist(self._committed, group)
                for group in self.insist(self._groups)
            },
        }

    def _groups(self) -> list[str]:
        with translated():
            found = self._admin.client.list_consumer_groups().result(ANSWER).valid
        return sorted(g.group_id for g in found if g.group_id.startswith(f"{self.stored_as}."))

    def delete(self) -> None:
        """Delete the topic with all its events, and its groups, and close."""
        for consumer in self._consumers:
            consumer.close()
        groups = self.insist(self._groups)
        if groups:
            with translated():
                for future in self._admin.client.delete_consumer_groups(groups).values():
                    future.result(ANSWER)
        super().delete()

    def close(self) -> None:
        """Close every connection and every consumer; the events stay."""
        if not self.closed:
            for consumer in self._consumers:
                consumer.close()
            self._transactions.close()
        super().close()
