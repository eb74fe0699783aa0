"""How well each engine serves each need: a number from 0 to 3, the sentence behind it, its source.

    3   it does this by itself
    2   it does this within a limit, or with a part that you add
    1   you build it around the engine, or it does it badly
    0   it does not do this

An engine's name means what `needs` says: the engine as a team runs it in production. The numbers
are our judgement of the sentences. Where you judge otherwise, change the number and rank again.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Cell(NamedTuple):
    """How one engine serves one need: `points` from 0 to 3, what it does, and where that is
    documented.
    """

    points: int
    says: str
    source: str


KNOWN: Final = Cell(3, "your team runs it already", "you")
NEW: Final = Cell(0, "your team does not run it yet", "you")

MEASURED: Final = "measured: notebooks/data"
SQS: Final = "Amazon SQS Developer Guide"
REDIS: Final = "Redis documentation 2026"
PULSAR: Final = "Pulsar 4.0 documentation"
KAFKA: Final = "Kafka 4.4 documentation"
RABBITMQ: Final = "RabbitMQ 4.3 documentation"

TABLE: Final[dict[str, dict[str, Cell]]] = {
    "kafka": {
        "order": Cell(
            3, "one key is in one partition, and a partition keeps its order", f"{KAFKA}, design"
        ),
        "replay": Cell(
            3,
            "what was read stays, by default for 7 days, and a group can go back",
            f"{KAFKA}, retention.ms",
        ),
        "fan_out": Cell(
            3, "each consumer group reads all of it at its own pace", f"{KAFKA}, design"
        ),
        "delay": Cell(
            0,
            "a partition is read in order, so a delayed message would hold up those behind it",
            f"{KAFKA}, design",
        ),
        "priority": Cell(
            1, "a topic for each level, with the urgent one read first, is yours to build", KAFKA
        ),
        "latency": Cell(
            2,
            "clients send in batches: by default a producer waits 5 ms for more",
            "Kafka 4.0 upgrade notes, linger.ms",
        ),
        "durability": Cell(
            3,
            "with three replicas, acks=all and min.insync.replicas=2, losing one loses nothing",
            f"{KAFKA}, availability and durability",
        ),
        "effort": Cell(
            1, "three brokers to run, partitions to plan and disks to watch", f"{KAFKA}, operations"
        ),
        "cost": Cell(
            1, "three machines with disks are paid for, however little comes", f"{KAFKA}, KRaft"
        ),
    },
    "rabbitmq": {
        "order": Cell(
            2,
            "a queue keeps the order for one consumer; by key, keys are spread over queues",
            f"{RABBITMQ}, queues and consumers",
        ),
        "replay": Cell(
            2,
            "a stream can be read again, but a queue forgets what was acknowledged",
            f"{RABBITMQ}, streams",
        ),
        "fan_out": Cell(
            3,
            "an exchange copies each message to the queue of every subscriber",
            f"{RABBITMQ}, exchanges",
        ),
        "delay": Cell(
            1,
            "a TTL with a dead-letter exchange delays, and each length of delay takes a queue",
            f"{RABBITMQ}, ttl and dlx",
        ),
        "priority": Cell(
            3,
            "a quorum queue has 32 levels of priority since 4.3, and two since 4.0",
            f"{RABBITMQ}, priority",
        ),
        "latency": Cell(
            2,
            "messages are pushed to consumers, once a quorum queue has written them to disk",
            f"{RABBITMQ}, quorum queues",
        ),
        "durability": Cell(
            3,
            "a quorum queue confirms what a majority of its replicas has written to disk",
            f"{RABBITMQ}, confirms and quorum queues",
        ),
        "effort": Cell(
            2,
            "one server to run, or three to survive the loss of one",
            f"{RABBITMQ}, quorum queues",
        ),
        "cost": Cell(
            2, "one small server is enough to begin with, whether messages come or not", MEASURED
        ),
    },
    "sqs": {
        "order": Cell(
            3,
            "a FIFO queue keeps the order of a message group, by default at 300 calls per second",
            f"{SQS}, FIFO queues and quotas",
        ),
        "replay": Cell(0, "a message that was deleted cannot be read again", SQS),
        "fan_out": Cell(
            2,
            "a queue has one kind of reader: a topic of Amazon SNS in front copies to several",
            f"{SQS}, SNS subscriptions",
        ),
        "delay": Cell(
            2,
            "a message can be delayed by up to 15 minutes, and in a FIFO queue only all alike",
            "Amazon SQS API, DelaySeconds",
        ),
        "priority": Cell(
            1, "a queue for each level, with the urgent one polled first, is yours", SQS
        ),
        "latency": Cell(
            1, "every call is an HTTPS request, and a consumer has to ask for messages", SQS
        ),
        "durability": Cell(3, "AWS stores each message on several servers", f"{SQS}, resilience"),
        "effort": Cell(3, "there is no server to run", SQS),
        "cost": Cell(3, "it is paid per request: without requests nothing", f"{SQS}, pricing"),
    },
    "redis": {
        "order": Cell(
            1,
            "a group gives the next entry to any consumer; order by key is yours to build",
            f"{REDIS}, streams",
        ),
        "replay": Cell(
            2, "a stream can be read again, as far back as it fits into memory", f"{REDIS}, xrange"
        ),
        "fan_out": Cell(3, "each group has its own place in the stream", f"{REDIS}, streams"),
        "delay": Cell(
            1, "a sorted set of due times, and a loop that moves what is due, are yours", REDIS
        ),
        "priority": Cell(
            1, "a stream for each level, with the urgent one read first, is yours", REDIS
        ),
        "latency": Cell(
            3,
            "it answers from memory, and a waiting reader is woken at once",
            f"{REDIS}, xreadgroup",
        ),
        "durability": Cell(
            1,
            "with appendfsync everysec a power cut takes about a second of confirmed entries",
            f"{REDIS}, persistence; {MEASURED}",
        ),
        "effort": Cell(
            2,
            "one small process to run, whose memory has to be watched",
            f"{REDIS}, administration",
        ),
        "cost": Cell(2, "one small server, but all that is kept has to fit into its memory", REDIS),
    },
    "redis_pubsub": {
        "order": Cell(
            2,
            "a subscriber hears a channel in order, but subscribers cannot share the work",
            f"{REDIS}, pubsub",
        ),
        "replay": Cell(0, "nothing is kept that could be read again", f"{REDIS}, pubsub"),
        "fan_out": Cell(
            3, "every subscriber that is connected gets every message", f"{REDIS}, pubsub"
        ),
        "delay": Cell(0, "a message is delivered at once or never", f"{REDIS}, pubsub"),
        "priority": Cell(
            0, "messages are pushed in the order in which they come", f"{REDIS}, pubsub"
        ),
        "latency": Cell(
            3, "the server pushes each message as it comes and stores none", f"{REDIS}, pubsub"
        ),
        "durability": Cell(
            0, "a subscriber that is away never gets the message", f"{REDIS}, pubsub"
        ),
        "effort": Cell(
            2,
            "one small process to run; to survive its loss takes replicas and Sentinel",
            f"{REDIS}, pubsub",
        ),
        "cost": Cell(3, "the smallest server is enough, since nothing is kept", MEASURED),
    },
    "pulsar": {
        "order": Cell(
            3,
            "a Key_Shared subscription gives each key to one consumer at a time, in order",
            f"{PULSAR}, messaging",
        ),
        "replay": Cell(
            3,
            "a reader starts anywhere in what retention keeps; by default nothing acknowledged",
            f"{PULSAR}, retention and expiry",
        ),
        "fan_out": Cell(
            3, "each subscription gets every message at its own pace", f"{PULSAR}, messaging"
        ),
        "delay": Cell(
            3,
            "a message can be delivered at any later time, to a shared subscription",
            f"{PULSAR}, delayed message delivery",
        ),
        "priority": Cell(
            1, "a topic for each level, with the urgent one read first, is yours to build", PULSAR
        ),
        "latency": Cell(
            2,
            "each message is written to the journals of several bookies first",
            f"{PULSAR}, architecture",
        ),
        "durability": Cell(
            3, "it confirms what a quorum of bookies has written to disk", f"{PULSAR}, architecture"
        ),
        "effort": Cell(
            0,
            "brokers, bookies and a metadata store are three systems to run",
            f"{PULSAR}, architecture",
        ),
        "cost": Cell(
            0,
            "the machines of three systems are paid for, however little comes",
            f"{PULSAR}, deployment",
        ),
    },
}


def cell(engine: str, need: str, known: tuple[str, ...] = ()) -> Cell:
    """Return how `engine` serves `need`; `known` are the engines that the team runs already."""
    if need == "known_by_team":
        return KNOWN if engine in known else NEW
    return TABLE[engine][need]
