"""For each engine, by its own client: a thing that a confirmed write leaves, and reading it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mqlearn.engines.servers import LocalServer
from tests.engines.until import until


def write(engine: str, server: LocalServer) -> None:
    """Store the text "kept" and return once the server has confirmed it."""
    globals()[f"write_{engine}"](server.url)
    if engine == "rabbitmq":
        # RabbitMQ 3.10 saves its list of quorum queues every 0.5 s: one that was declared since
        # then is unusable after a kill, whatever was confirmed.
        listed = list(server.folder.glob("data/*/quorum/*/names.dets"))
        until(lambda: any(b"mqlearn-kept" in path.read_bytes() for path in listed), "the save")


def read(engine: str, url: str) -> str | None:
    """Return what is stored, or None if there is nothing."""
    found: str | None = globals()[f"read_{engine}"](url)
    return found


def write_redis(url: str) -> None:
    """A string."""
    import redis

    with redis.Redis.from_url(url) as client:
        client.set("mqlearn-kept", "kept")


def read_redis(url: str) -> str | None:
    """The string."""
    import redis

    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: Any = client.get("mqlearn-kept")
        return found


def write_rabbitmq(url: str) -> None:
    """A message in a quorum queue, confirmed."""
    import pika

    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("mqlearn-kept", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "mqlearn-kept", b"kept", mandatory=True)


def read_rabbitmq(url: str) -> str | None:
    """The message, given back."""
    import pika

    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        body = connection.channel().basic_get("mqlearn-kept")[2]
        return None if body is None else body.decode()


def write_kafka(url: str) -> None:
    """A record, acknowledged by all replicas, of which there is one."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    settings = {"bootstrap.servers": urlsplit(url).netloc, "log_level": 0}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic("mqlearn-kept", 1, 1)])["mqlearn-kept"].result()
    producer = Producer({**settings, "acks": "all"})
    producer.produce("mqlearn-kept", b"kept")
    assert producer.flush(30.0) == 0


def read_kafka(url: str) -> str | None:
    """The first record."""
    from confluent_kafka import Consumer, TopicPartition

    settings = {"bootstrap.servers": urlsplit(url).netloc, "group.id": "mqlearn", "log_level": 0}
    consumer = Consumer(settings)
    try:
        consumer.assign([TopicPartition("mqlearn-kept", 0, 0)])
        record = consumer.poll(30.0)
        return None if record is None or record.error() else record.value().decode()
    finally:
        consumer.close()


def write_sqs(url: str) -> None:
    """A queue with a message."""
    address = call_sqs(url, Action="CreateQueue", QueueName="mqlearn-kept")
    assert "mqlearn-kept" in address
    call_sqs(f"{url}/000000000000/mqlearn-kept", Action="SendMessage", MessageBody="kept")


def read_sqs(url: str) -> str | None:
    """The text "kept" if the queue is there."""
    return "kept" if "mqlearn-kept" in call_sqs(url, Action="ListQueues") else None


def call_sqs(url: str, **parameters: str) -> str:
    """Return the answer to a call of the query protocol."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    with urllib.request.urlopen(f"{url}/?{query}", timeout=30.0) as answer:
        text: str = answer.read().decode()
    return text


def write_pulsar(url: str) -> None:
    """A message in a topic that a subscription holds."""
    import pulsar

    client = pulsar.Client(url.partition("?")[0], logger=quiet())
    try:
        client.subscribe("mqlearn-kept", "mqlearn").close()
        client.create_producer("mqlearn-kept").send(b"kept")
    finally:
        client.close()


def read_pulsar(url: str) -> str | None:
    """The text "kept" if the topic holds one message."""
    admin = parse_qs(urlsplit(url).query)["admin"][0]
    stats = f"{admin}/admin/v2/persistent/public/default/mqlearn-kept/stats"
    with urllib.request.urlopen(f"{stats}?getPreciseBacklog=true", timeout=30.0) as answer:
        backlog = json.load(answer)["subscriptions"]["mqlearn"]["msgBacklog"]
    return "kept" if backlog == 1 else None


def quiet() -> Any:
    """A logger of the client that says errors only."""
    import pulsar

    return pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
