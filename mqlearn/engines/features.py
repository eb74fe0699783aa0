"""The table of what each engine has by itself ("native"), what its adapter here adds ("emulated"),
and what is refused ("unsupported"), each with its reason and its source.

    feature_table()          engines as rows, features as columns
    why("sqs", "priority")   the sentence behind one cell
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mqlearn.engines.errors import Unsupported
from mqlearn.runtime import check

if TYPE_CHECKING:
    import pandas as pd

NATIVE, EMULATED, UNSUPPORTED = "native", "emulated", "unsupported"


class Support(NamedTuple):
    """The `level` at which an engine has a feature, a sentence, and the source of the fact."""

    level: str
    sentence: str
    source: str


# Each feature, and what it means here.
FEATURES = {
    "priority": "urgent messages are delivered before others",
    "ttl": "a message that is too old is not delivered any more",
    "delay": "a message is sent, or given back, to be delivered later",
    "lease": "a message whose worker is silent comes back after a time",
    "extend": "a worker may renew its lease",
    "delivery_count": "a delivery says how often the message was delivered before",
    "dead_letter_reason": "a dead letter says why it is one",
    "exact_size": "the engine tells how many messages wait",
    "order_by_key": "messages of one key are handled in their order, also with many workers",
    "replay": "what was handled can be read again",
    "groups": "several groups of readers each get every message",
    "transactions": "several sends become visible together or not at all",
    "release_free": "a message can be given back without counting as a delivery",
}

_SOURCES = {
    "redis": "Valkey 9.1.2 and Redis 7.0.15, both run here; valkey.io/commands",
    "redis_pubsub": "Valkey 9.1.2, run here; valkey.io/topics/pubsub",
    "rabbitmq": "RabbitMQ 3.10.8, run here; rabbitmq.com/docs/quorum-queues",
    "rabbitmq_classic": "RabbitMQ 3.10.8, run here; rabbitmq.com/docs/priority and /docs/ttl",
    "kafka": "Apache Kafka 4.4.0, run here; KIP-932 and KIP-1191",
    "kafka_log": "Apache Kafka 4.4.0, run here; kafka.apache.org/documentation",
    "sqs": "ElasticMQ 1.6.14, run here; Amazon SQS developer guide",
    "sqs_fifo": "ElasticMQ 1.6.14, run here; Amazon SQS developer guide, FIFO queues",
    "pulsar": "Apache Pulsar 4.0.0, run here; pulsar.apache.org/docs/4.0.x",
}
ENGINES = tuple(_SOURCES)

N, E, U = NATIVE, EMULATED, UNSUPPORTED
# A variant has the cells of its base, except for those that it has itself.
_BASE = {"rabbitmq_classic": "rabbitmq", "sqs_fifo": "sqs"}
_TABLE: dict[str, dict[str, tuple[str, str]]] = {
    "priority": {
        "redis": (U, "A stream keeps the order of arrival; use one stream for each priority."),
        "redis_pubsub": (U, "A message is pushed to the subscribers of that moment."),
        "rabbitmq": (
            U,
            "A quorum queue refuses x-max-priority (406 in 3.10); 4.0 to 4.2 have two levels, 4.3 "
            "has 32. Use a classic queue, which is not replicated.",
        ),
        "rabbitmq_classic": (N, "x-max-priority: the highest first, in their order within one."),
        "kafka": (U, "A share group hands out records in the order of the log."),
        "kafka_log": (U, "A log is read in its order; use a topic for each priority."),
        "sqs": (U, "There are no priorities; use a queue for each."),
        "pulsar": (U, "There are no message priorities; use a topic for each."),
    },
    "ttl": {
        "redis": (
            E,
            "The adapter looks at the age when it receives; a stream trims by size or age, only "
            "when it is told to.",
        ),
        "redis_pubsub": (U, "Nothing is kept, so nothing grows old."),
        "rabbitmq": (N, "The expiration of a message, judged only when it is at the head."),
        "kafka": (E, "The adapter looks at the age when it receives; a topic has one retention."),
        "kafka_log": (U, "A topic has one retention for all its records, and no dead letters."),
        "sqs": (E, "The adapter looks at the age when it receives; a queue has one retention."),
        "pulsar": (E, "The adapter looks at the age when it receives; a namespace has one TTL."),
    },
    "delay": {
        "redis": (E, "A sorted set by due time; a worker moves what is due into the stream."),
        "redis_pubsub": (U, "PUBLISH is now or never."),
        "rabbitmq": (
            E,
            "A message waits in a queue with a TTL, whose dead letters go to the queue.",
        ),
        "kafka": (U, "A log is read in its order, as soon as it is written."),
        "kafka_log": (U, "A log is read in its order, as soon as it is written."),
        "sqs": (N, "DelaySeconds: whole seconds, at most 900."),
        "sqs_fifo": (U, "DelaySeconds of a single message is refused on FIFO queues."),
        "pulsar": (N, "deliver_after, on shared subscriptions."),
    },
    "lease": {
        "redis": (N, "The idle time of a pending entry; a consumer must ask for it (XAUTOCLAIM)."),
        "redis_pubsub": (U, "A message is gone as soon as it is sent."),
        "rabbitmq": (
            E,
            "A delivery stays with its connection until that ends; the adapter gives it back when "
            "its lease is over.",
        ),
        "kafka": (
            N,
            "The record lock of the share group: 1 to 60 s on the broker of this course, 15 to "
            "60 s by default.",
        ),
        "kafka_log": (U, "A log leases partitions to members, not records to workers."),
        "sqs": (N, "The visibility timeout, in whole seconds."),
        "pulsar": (
            E,
            "The client's unacked timeout is at least 10 s; the adapter gives a message back when "
            "its lease is over.",
        ),
    },
    "extend": {
        "redis": (N, "XCLAIM by its own consumer resets the idle time."),
        "redis_pubsub": (U, "There is no lease."),
        "rabbitmq": (E, "The lease is the adapter's own."),
        "kafka": (U, "The Python client has no RENEW; Java's has, since 4.2."),
        "kafka_log": (U, "There is no lease of records."),
        "sqs": (N, "ChangeMessageVisibility."),
        "pulsar": (E, "The lease is the adapter's own."),
    },
    "delivery_count": {
        "redis": (N, "times_delivered of a pending entry (XPENDING)."),
        "redis_pubsub": (U, "A message is delivered once or never."),
        "rabbitmq": (
            N,
            "The header x-delivery-count, from the second delivery on; in 4.3 it counts failures "
            "only.",
        ),
        "rabbitmq_classic": (
            E,
            "A classic queue only says `redelivered`: the adapter sends a failed message again, "
            "behind the others, with a count in a header; of several crashes in a row it counts "
            "one.",
        ),
        "kafka": (N, "The delivery count of the share group."),
        "kafka_log": (U, "A log does not know what its readers did."),
        "sqs": (N, "ApproximateReceiveCount."),
        "pulsar": (N, "The redelivery count, from 0."),
    },
    "dead_letter_reason": {
        "redis": (E, "A second stream, filled by a script that moves the entry with its reason."),
        "redis_pubsub": (U, "There are no dead letters."),
        "rabbitmq": (
            N,
            "x-death: rejected, expired or delivery_limit; not the handler's own text.",
        ),
        "rabbitmq_classic": (N, "x-death: rejected or expired; not the handler's own text."),
        "kafka": (N, "KIP-1191: one of two fixed texts in a header of the dead letter."),
        "kafka_log": (U, "A log has no dead letters; `EventStreamProcessor` parks events."),
        "sqs": (E, "SQS itself gives none; the adapter adds it to what it moves by itself."),
        "pulsar": (E, "The client's dead-letter topic has no reason; the adapter adds it."),
    },
    "exact_size": {
        "redis": (N, "XLEN less what is pending, as acked entries are deleted."),
        "redis_pubsub": (U, "Nothing is kept."),
        "rabbitmq": (
            N,
            "A passive declare counts what is ready; what is in flight is known to its owner only.",
        ),
        "kafka": (U, "The Python client cannot ask for the lag of a share group."),
        "kafka_log": (E, "The lag: end less committed offset, commit markers included."),
        "sqs": (
            N,
            "ApproximateNumberOfMessages: exact on one ElasticMQ, on AWS not before a minute after "
            "the last send.",
        ),
        "pulsar": (N, "msgBacklog with getPreciseBacklog, by REST; in flight included."),
    },
    "order_by_key": {
        "redis": (
            U,
            "Several consumers of a group overtake each other; use a stream for each key.",
        ),
        "redis_pubsub": (U, "Each connection hears the order of publishing, and nothing is kept."),
        "rabbitmq": (
            U,
            "Competing consumers overtake each other; use a queue for each key hash, with one "
            "active consumer.",
        ),
        "kafka": (U, "A share group gives the records of one partition to several consumers."),
        "kafka_log": (
            N,
            "The key decides the partition, and a partition has one owner in a group.",
        ),
        "sqs": (U, "A standard queue keeps no order; use a FIFO queue, whose name ends in .fifo."),
        "sqs_fifo": (
            N,
            "MessageGroupId, here the header `group`: while one of a group is in flight, the next "
            "ones wait.",
        ),
        "pulsar": (U, "This adapter uses Shared; a Key_Shared subscription keeps the order."),
    },
    "replay": {
        "redis": (U, "This queue deletes what is acked; a stream that keeps it has XRANGE."),
        "redis_pubsub": (U, "Nothing is kept."),
        "rabbitmq": (U, "An acked message is gone; RabbitMQ's streams (3.9) keep theirs."),
        "kafka": (U, "A share group only goes forward; read the topic as a log instead."),
        "kafka_log": (N, "Any offset that retention has left can be read again."),
        "sqs": (U, "A deleted message is gone."),
        "pulsar": (U, "This queue keeps no acked message; a topic with retention has a Reader."),
    },
    "groups": {
        "redis": (U, "This queue is one group of competing consumers; a stream may have several."),
        "redis_pubsub": (N, "Every subscriber that is connected gets every message."),
        "rabbitmq": (U, "Consumers of a queue compete; each group needs a queue of its own."),
        "kafka": (U, "This queue is one share group; a topic may have several."),
        "kafka_log": (N, "Each consumer group has its own offsets."),
        "sqs": (U, "Consumers of a queue compete; SNS copies to one queue for each group."),
        "pulsar": (U, "This queue is one subscription; a topic may have several."),
    },
    "transactions": {
        "redis": (U, "MULTI is atomic for one server; this queue does not offer it to its users."),
        "redis_pubsub": (U, "MULTI only sends several PUBLISH together."),
        "rabbitmq": (
            U,
            "AMQP's tx is slow and atomic for one queue only; this queue uses confirms instead.",
        ),
        "kafka": (
            U,
            "A share group acks outside of transactions, and by default also reads what is not "
            "committed.",
        ),
        "kafka_log": (
            N,
            "A transactional producer; a reader of committed records sees all or none.",
        ),
        "sqs": (U, "A batch of ten may succeed in part."),
        "pulsar": (U, "The Python client 3.13 has no transactions."),
    },
    "release_free": {
        "redis": (N, "XCLAIM sets the idle time and the count of an entry."),
        "redis_pubsub": (U, "There is nothing to give back."),
        "rabbitmq": (
            U,
            "Up to 4.2 each return counts towards the delivery limit; in 4.3 only a reject does, "
            "which this adapter uses.",
        ),
        "rabbitmq_classic": (E, "The adapter sends it again, with its count as it was."),
        "kafka": (U, "RELEASE counts as a delivery."),
        "kafka_log": (N, "A log leases nothing: not to commit is enough."),
        "sqs": (U, "ChangeMessageVisibility to 0 gives it back; the receive has been counted."),
        "pulsar": (U, "A negative ack counts as a redelivery."),
    },
}


def support(engine: str, feature: str) -> Support:
    """Return what is known of a feature of an engine. Raises ValueError for an unknown name."""
    check.one_of("engine", engine, ENGINES)
    check.one_of("feature", feature, FEATURES)
    row = _TABLE[feature]
    level, sentence = row[engine] if engine in row else row[_BASE[engine]]
    return Support(level, sentence, _SOURCES[engine])


def supports(engine: str) -> dict[str, str]:
    """Return the level of each feature of an engine."""
    return {feature: support(engine, feature).level for feature in FEATURES}


def why(engine: str, feature: str) -> str:
    """Return the sentence behind one cell of the table, with its source."""
    level, sentence, source = support(engine, feature)
    return f"{engine}, {feature}: {level}. {sentence} ({source})"


def feature_table() -> pd.DataFrame:
    """Return the table as a DataFrame: engines as rows, features as columns, levels as cells."""
    import pandas as pd

    return pd.DataFrame.from_dict({e: supports(e) for e in ENGINES}, orient="index")


def refuse(engine: str, feature: str) -> Unsupported:
    """Return the error for a feature that an engine does not have."""
    _, sentence, _ = support(engine, feature)
    return Unsupported(f"{feature} is unsupported on {engine}: {sentence}")
