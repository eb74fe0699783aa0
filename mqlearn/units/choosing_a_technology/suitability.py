"""The suitability of each engine for each need: a number from 0 to 3, the sentence behind it, and
its source.

    3   it does this by itself
    2   it does this within a limit, or with a part that you add
    1   you build it around the engine, or it does it badly
    0   it does not do this

An engine's name means what `needs` says: the engine as a team runs it in production. The sentences
are facts, the numbers are our judgement of them. Where you judge otherwise, change a number and
rank again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple


class Cell(NamedTuple):
    """One engine and one need: `points` from 0 to 3, what the engine does, and where that is
    documented.
    """

    points: int
    says: str
    source: str


KAFKA: Final = "Kafka 4.4 documentation, "
RABBITMQ: Final = "RabbitMQ 4.3 documentation, "
SQS: Final = "Amazon SQS Developer Guide, "
REDIS: Final = "Redis documentation (2026), "
PULSAR: Final = "Pulsar 4.0 documentation, "

TABLE: Final[dict[str, dict[str, Cell]]] = {
    "kafka": {
        "order": Cell(
            3, "one key is in one partition, and a partition keeps its order", KAFKA + "design"
        ),
        "replay": Cell(
            3,
            "what was read stays for 7 days by default, and groups can go back",
            KAFKA + "retention.ms",
        ),
        "fan_out": Cell(3, "each consumer group reads all of it at its own pace", KAFKA + "design"),
        "delay": Cell(0, "a delayed message would hold up its whole partition", KAFKA + "design"),
        "priority": Cell(
            1, "you build a topic for each level, and read the urgent one first", KAFKA + "design"
        ),
        "latency": Cell(
            2, "a producer waits up to 5 ms by default, to send in batches", KAFKA + "linger.ms"
        ),
        "durability": Cell(
            3,
            "with acks=all and min.insync.replicas=2 of 3, one may be lost",
            KAFKA + "availability and durability",
        ),
        "effort": Cell(
            1, "you run three brokers, plan partitions and watch disks", KAFKA + "operations"
        ),
        "cost": Cell(
            1, "three machines with disks are paid for, however little comes", KAFKA + "KRaft"
        ),
    },
    "rabbitmq": {
        "order": Cell(
            1,
            "for order by key, keys are spread over queues of one consumer each",
            RABBITMQ + "queues and consumers",
        ),
        "replay": Cell(
            0, "a queue forgets what was acked; its streams are a log apart", RABBITMQ + "streams"
        ),
        "fan_out": Cell(
            3, "an exchange copies each message to every subscriber's queue", RABBITMQ + "exchanges"
        ),
        "delay": Cell(
            1,
            "each length of delay takes a queue with a TTL and dead-lettering",
            RABBITMQ + "ttl and dlx",
        ),
        "priority": Cell(
            3, "a quorum queue has 32 levels of priority since version 4.3", RABBITMQ + "priority"
        ),
        "latency": Cell(
            2,
            "messages are pushed, once a quorum queue has them on disk",
            RABBITMQ + "quorum queues",
        ),
        "durability": Cell(
            3,
            "a quorum queue confirms what a majority of replicas has on disk",
            RABBITMQ + "confirms",
        ),
        "effort": Cell(
            2, "you run one server, or three to survive the loss of one", RABBITMQ + "quorum queues"
        ),
        "cost": Cell(
            2,
            "one small server is enough to begin with, and paid for when idle",
            RABBITMQ + "production checklist",
        ),
    },
    "sqs": {
        "order": Cell(
            3,
            "a FIFO queue keeps each group's order, at 300 calls/s by default",
            SQS + "FIFO queues and quotas",
        ),
        "replay": Cell(
            0, "a message that was deleted cannot be read again", SQS + "message life cycle"
        ),
        "fan_out": Cell(
            2,
            "for several readers a topic of Amazon SNS stands in front",
            SQS + "SNS subscriptions",
        ),
        "delay": Cell(
            2,
            "a standard queue delays each message by up to 15 minutes",
            SQS + "delay queues",
        ),
        "priority": Cell(
            1,
            "you build a queue for each level, and poll the urgent one first",
            SQS + "queue types",
        ),
        "latency": Cell(
            1, "every call is an HTTPS request, and a consumer has to ask", SQS + "polling"
        ),
        "durability": Cell(3, "AWS stores each message on several servers", SQS + "resilience"),
        "effort": Cell(3, "there is no server to run", SQS + "what is Amazon SQS"),
        "cost": Cell(
            3, "it is paid per request, and costs nothing without requests", SQS + "pricing"
        ),
    },
    "redis": {
        "order": Cell(
            1, "a group gives the next entry to any consumer, whatever its key", REDIS + "streams"
        ),
        "replay": Cell(
            2, "a stream can be read again, as far back as memory reaches", REDIS + "streams"
        ),
        "fan_out": Cell(3, "each group has its own place in the stream", REDIS + "streams"),
        "delay": Cell(
            1, "you build it with a sorted set of due times and a loop", REDIS + "sorted sets"
        ),
        "priority": Cell(
            1, "you build a stream for each level, and read the urgent one first", REDIS + "streams"
        ),
        "latency": Cell(
            3, "it answers from memory and wakes a waiting reader at once", REDIS + "xreadgroup"
        ),
        "durability": Cell(
            0,
            "a replica is told after the confirm: a lost machine loses some",
            REDIS + "replication",
        ),
        "effort": Cell(
            2, "you run one small process and watch its memory", REDIS + "administration"
        ),
        "cost": Cell(
            2,
            "one small server, but all that is kept has to fit into memory",
            REDIS + "administration",
        ),
    },
    "redis_pubsub": {
        "order": Cell(
            1, "each subscriber hears all in order; the work cannot be shared", REDIS + "pubsub"
        ),
        "replay": Cell(0, "nothing is kept that could be read again", REDIS + "pubsub"),
        "fan_out": Cell(3, "every connected subscriber gets every message", REDIS + "pubsub"),
        "delay": Cell(0, "a message is delivered at once or never", REDIS + "pubsub"),
        "priority": Cell(
            0, "messages are pushed in the order in which they come", REDIS + "pubsub"
        ),
        "latency": Cell(
            3, "messages are pushed as they come, and none is stored", REDIS + "pubsub"
        ),
        "durability": Cell(0, "a subscriber that is away never gets the message", REDIS + "pubsub"),
        "effort": Cell(
            2, "you run one process, and Sentinel to survive its loss", REDIS + "sentinel"
        ),
        "cost": Cell(3, "the smallest server is enough, since nothing is kept", REDIS + "pubsub"),
    },
    "pulsar": {
        "order": Cell(
            3, "Key_Shared gives a key to one consumer at a time, in order", PULSAR + "messaging"
        ),
        "replay": Cell(
            3,
            "readers start anywhere in what the retention policy keeps",
            PULSAR + "retention and expiry",
        ),
        "fan_out": Cell(
            3, "each subscription gets every message at its own pace", PULSAR + "messaging"
        ),
        "delay": Cell(
            3,
            "a shared subscription holds a message back until its time",
            PULSAR + "delayed message delivery",
        ),
        "priority": Cell(
            1,
            "you build a topic for each level, and read the urgent one first",
            PULSAR + "messaging",
        ),
        "latency": Cell(
            2, "a message is written to several bookies' journals first", PULSAR + "architecture"
        ),
        "durability": Cell(
            3, "it confirms what a quorum of bookies has on disk", PULSAR + "architecture"
        ),
        "effort": Cell(0, "you run brokers, bookies and a metadata store", PULSAR + "architecture"),
        "cost": Cell(
            0,
            "machines for three systems are paid for, however little comes",
            PULSAR + "deployment",
        ),
    },
}

KNOWN: Final = Cell(3, "your team runs it already", "you")
NEW: Final = Cell(0, "your team does not run it yet", "you")
ONE_SERVER: Final = {"redis", "redis_pubsub"}  # a team that runs one of them runs the other


def cell(engine: str, need: str, known: Collection[str] = ()) -> Cell:
    """Return how `engine` serves `need`; `known` are the engines that the team runs already."""
    if need != "known_by_team":
        return TABLE[engine][need]
    same = ONE_SERVER if engine in ONE_SERVER else {engine}
    return KNOWN if same & {*known} else NEW
