"""What is measured: each engine with the setting that decides what it keeps, through the course's
own adapters.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mqlearn.engines
from mqlearn.engines.servers import LocalServer, local, why_not
from mqlearn.engines.servers.java import FOLDERS

LEASE = 30.0  # seconds: longer than any part of a measurement
JAVA_NAMES = {"kafka": "Apache Kafka", "sqs": "ElasticMQ", "pulsar": "Apache Pulsar"}


@dataclass(frozen=True)
class Candidate:
    """One row of the table: the `engine` as the features table calls it, the local `server` behind
    it, the class of the queue, and its setting of durability in words.
    """

    engine: str
    server: str
    queue: str
    durability: str
    options: dict[str, Any] = field(default_factory=dict)  # of the server
    settings: dict[str, Any] = field(default_factory=dict)  # of the queue
    # messages of one measurement: batched sent and received, one by one sent and received
    counts: tuple[int, int, int, int] = (5000, 5000, 500, 500)

    def missing(self) -> str:
        """Return in one line why it cannot be measured here; "" if it can."""
        if reason := why_not(self.server):
            return reason
        try:
            getattr(mqlearn.engines, self.queue)
        except ImportError as error:
            return str(error)
        return ""

    @contextmanager
    def started(
        self, folder: Path | None = None, **settings: Any
    ) -> Iterator[tuple[LocalServer, Any]]:
        """Start the server, and open a queue with these settings on it."""
        server = local(self.server, **self.options, folder=folder)
        with server as url, self.open(url, **settings) as queue:
            yield server, queue  # type: ignore[misc] # a given server has no options, so it is ours

    def open(self, url: str, **settings: Any) -> Any:
        """Return the queue on the server at this address."""
        made = getattr(mqlearn.engines, self.queue)
        lease = {} if self.queue == "KafkaStream" else {"visibility_timeout": LEASE}
        return made(url, "measured", **{**lease, **self.settings, **settings})


REDIS = Candidate("redis", "redis", "RedisQueue", "appendfsync everysec")
THROUGHPUT = (
    REDIS,
    Candidate("rabbitmq", "rabbitmq", "RabbitMQQueue", "quorum queue, confirms"),
    Candidate(
        "rabbitmq_classic",
        "rabbitmq",
        "RabbitMQQueue",
        "classic queue, confirms",
        settings={"kind": "classic"},
    ),
    Candidate(
        "kafka",
        "kafka",
        "KafkaQueue",
        "acks=all, one broker, no fsync",
        {"heap": 512, "quick": False},
        {"batch": 100},  # what is sent with one call travels together, as on the other engines
        counts=(5000, 5000, 500, 200),
    ),
    Candidate(
        "kafka_log",
        "kafka",
        "KafkaStream",
        "acks=all, one broker, no fsync",
        {"heap": 512, "quick": False},
        counts=(20000, 20000, 500, 500),
    ),
    Candidate("sqs", "sqs", "SQSQueue", "in memory", counts=(1000, 1000, 200, 200)),
    Candidate(
        "pulsar", "pulsar", "PulsarQueue", "fsync of the journal", counts=(5000, 5000, 200, 200)
    ),
)


def _on_redis(appendfsync: str) -> Candidate:
    said = f"appendfsync {appendfsync}" if appendfsync != "off" else "appendonly off"
    return Candidate("redis", "redis", "RedisQueue", said, {"appendfsync": appendfsync})


_, QUORUM, CLASSIC, _, _, SQS, PULSAR = THROUGHPUT
KAFKA = Candidate("kafka", "kafka", "KafkaQueue", "acks=all, one broker, no fsync")
KILLS = (
    *(_on_redis(setting) for setting in ("always", "everysec", "no", "off")),
    QUORUM,
    CLASSIC,
    KAFKA,
    SQS,
    PULSAR,
)
SHOPS = (REDIS, QUORUM, CLASSIC, KAFKA, SQS, PULSAR)
# SQS in memory and a Redis that writes nothing lose everything anyway
POWER_CUTS = (
    *(_on_redis(setting) for setting in ("always", "everysec", "no")),
    QUORUM,
    CLASSIC,
    KAFKA,
    Candidate("kafka", "kafka", "KafkaQueue", "acks=all, one broker, flush.messages=1"),
    PULSAR,
)


def version(server: str, queue: Any) -> str:
    """Return the version of the server that a queue is connected to."""
    if server == "redis":
        about = queue._server.info("server")
        return str(
            f"Valkey {about['valkey_version']}"
            if "valkey_version" in about
            else f"Redis {about['redis_version']}"
        )
    if server == "rabbitmq":
        return f"RabbitMQ {rabbitmq_version(queue.url)}"
    # the jars were tried with one version each, which their folder's name says
    return f"{JAVA_NAMES[server]} {FOLDERS[server].rpartition('-')[2]}"


def rabbitmq_version(url: str) -> str:
    """Return the version that a RabbitMQ server names when a client connects."""
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        said = connection._impl.server_properties["version"]
        return said.decode() if isinstance(said, bytes) else str(said)
    finally:
        connection.close()


def machine() -> str:
    """Return the kind of machine that this is, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}"
