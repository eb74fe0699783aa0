"""The course text's comparison of message queue technologies: its figures, and their known sources.

The figures are the course text's, not measured here. They were taken with different record sizes,
batches, numbers of machines and guarantees of durability. So a row says what a system is for; it
does not say which one is faster.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mqlearn.runtime import check


@dataclass(frozen=True)
class MessageQueueComparison:
    """One row of the table: a technology, as the course text describes it.

    `type` is queue, stream or pub_sub; `throughput` and `latency` are figures with their units, as
    text; `durability` tells whether a message survives a restart. `origin` names the
    source of the figures, as far as it is known, else "". Raises TypeError for a field of another
    type.
    """

    name: str
    type: str
    throughput: str
    latency: str
    durability: bool
    ordering_guarantee: str
    use_cases: list[str]
    origin: str = ""

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            kind = {"durability": bool, "use_cases": list}.get(field, str)
            if not isinstance(value, kind):
                raise TypeError(f"{field} must be {kind.__name__}, got {check.short_repr(value)}")
        if not all(isinstance(case, str) for case in self.use_cases):
            raise TypeError(
                f"use_cases must be a list of str, got {check.short_repr(self.use_cases)}"
            )


message_queue_technologies = [
    MessageQueueComparison(
        name="Apache Kafka",
        type="stream",
        throughput="2M+ msg/sec",
        latency="2-5ms",
        durability=True,
        ordering_guarantee="Per partition",
        use_cases=["Event streaming", "Log aggregation", "Real-time analytics"],
        origin="LinkedIn 2014: 2,024,032 records/s from three producers, 100-byte records in "
        "batches, acks=1; one "
        "producer that waits for all replicas (acks=-1): 421,823/s. Median latency there 2 "
        "ms; 5 ms is the p99 "
        "at 200 MB/s in a test by Confluent, a vendor, in 2020.",
    ),
    MessageQueueComparison(
        name="RabbitMQ",
        type="queue",
        throughput="50K msg/sec",
        latency="<1ms",
        durability=True,
        ordering_guarantee="FIFO per queue",
        use_cases=["Task queues", "RPC", "Workflow orchestration"],
        origin="No single one found. The team's own tests give 27,000/s (5 kB) to 99,000/s (12 "
        "bytes, one classic "
        "queue, one machine): say size, kind of queue and confirms. The same vendor test of "
        "2020 has a p99 of "
        "1 ms at 30 MB/s on mirrored queues, which RabbitMQ 4.0 no longer has.",
    ),
    MessageQueueComparison(
        name="Amazon SQS",
        type="queue",
        throughput="300K msg/sec",
        latency="10-20ms",
        durability=True,
        ordering_guarantee="FIFO queues available",
        use_cases=["Microservices decoupling", "Batch processing"],
        origin='None found. AWS documents standard queues as "nearly unlimited"; FIFO queues as '
        "300 calls/s for each "
        "action (3,000 messages/s in batches of ten), and up to 70,000 calls/s in "
        "high-throughput mode.",
    ),
    MessageQueueComparison(
        name="Redis Pub/Sub",
        type="pub_sub",
        throughput="1M+ msg/sec",
        latency="<1ms",
        durability=False,
        ordering_guarantee="None",
        use_cases=["Real-time notifications", "Chat applications"],
        origin="None found. Redis documents 1,536,098 SET/s with 16 commands to a round trip on "
        "one laptop, and about "
        "180,000/s without; a PUBLISH costs more with each subscriber.",
    ),
    MessageQueueComparison(
        name="Apache Pulsar",
        type="stream",
        throughput="1M+ msg/sec",
        latency="5-10ms",
        durability=True,
        ordering_guarantee="Per partition",
        use_cases=["Event streaming", "Message queuing", "Functions"],
        origin="None found. The vendor test of 2020, by a competitor, has 305 MB/s at its peak and "
        "a p99 of 25 ms at "
        "200 MB/s.",
    ),
]

HEADINGS = {
    "name": "Name",
    "type": "Type",
    "throughput": "Throughput",
    "latency": "Latency",
    "durability": "Durable",
    "ordering_guarantee": "Ordering",
}


def compare_message_queues() -> None:
    """Print the table and the use cases, as in the course text."""
    rows = [HEADINGS] + [asdict(each) for each in message_queue_technologies]
    width = {column: max(len(str(row[column])) for row in rows) for column in HEADINGS}
    print("MESSAGE QUEUE TECHNOLOGY COMPARISON (the course text's figures)")
    for row in rows:
        print("  ".join(f"{row[column]!s:<{width[column]}}" for column in HEADINGS).rstrip())
    print("\nUSE CASES")
    for each in message_queue_technologies:
        print(f"{each.name}: {', '.join(each.use_cases)}")
