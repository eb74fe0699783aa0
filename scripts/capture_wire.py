"""Record what each Python client sends to its engine when it publishes one order.

    sudo python scripts/capture_wire.py [ENGINE ...]

Each engine is started on loopback, and its packets are read there, which needs Linux and root. The
request is cut into parts that say what they are for, and written to notebooks/data/wire.json, from
where notebook 14 draws it. With names of engines, only their requests are replaced.
"""

import argparse
import importlib.metadata
import json
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from mqlearn.engines.servers import local

RESULTS = Path(__file__).resolve().parents[1] / "notebooks" / "data" / "wire.json"
BODY = b'{"order": "order-17", "amount": 20.0}'
EVERY_PROTOCOL, OUTGOING, TCP = 3, 4, 6  # of Linux's packet sockets, and of IP
Cut = list[tuple[int, str, str]]  # the length of a part (-1: all that is left), its role, its words


class Sniffer:
    """The bytes that clients send to a port of this machine, in the order of their packets."""

    def __init__(self, port: int) -> None:
        self.port, self.sent = port, b""
        self._seen: set[tuple[int, int]] = set()
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL)
        )
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0.2)
        self._done, self._reader = Event(), Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._done.is_set():
            try:
                packet, (_, _, kind, *_) = self._socket.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if kind != OUTGOING:  # on loopback every packet is seen twice
                self._keep(packet[14:])

    def _keep(self, packet: bytes) -> None:
        if packet[0] >> 4 != 4 or packet[9] != TCP:
            return
        segment = packet[4 * (packet[0] & 15) :]
        source, target, number = struct.unpack(">HHI", segment[:8])
        data = segment[4 * (segment[12] >> 4) :]
        if target == self.port and data and (source, number) not in self._seen:
            self._seen.add((source, number))
            self.sent += data

    def close(self) -> None:
        """Stop reading, once what was sent must be here."""
        time.sleep(0.5)
        self._done.set()
        self._reader.join()
        self._socket.close()


@contextmanager
def sniffing(url: str) -> Iterator[Sniffer]:
    """Read what is sent to the server at `url` while the block runs."""
    sniffer = Sniffer(urlsplit(url).port or 0)
    try:
        yield sniffer
    finally:
        sniffer.close()


def redis(url: str) -> bytes:
    """Send the order with redis-py and return what was sent."""
    from redis import Redis

    with Redis.from_url(url) as client:
        client.ping()
        with sniffing(url) as sniffer:
            client.xadd("orders", {"body": BODY})
    return sniffer.sent


def rabbitmq(url: str) -> bytes:
    """Send the order with pika and return what was sent."""
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare("orders", durable=True, arguments={"x-queue-type": "quorum"})
    channel.confirm_delivery()
    about = pika.BasicProperties(content_type="application/json", delivery_mode=2)
    with sniffing(url) as sniffer:
        channel.basic_publish("", "orders", BODY, about)
    connection.close()
    return sniffer.sent


def kafka(url: str) -> bytes:
    """Send the order with confluent-kafka and return what was sent."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    where = {"bootstrap.servers": url.removeprefix("kafka://"), "log_level": 0}
    admin = AdminClient(where)
    for made in admin.create_topics([NewTopic("orders", 4, 1)]).values():
        made.result()
    producer = Producer(
        where | {"client.id": "shop", "acks": "all", "partitioner": "murmur2_random"}
    )
    producer.produce("orders", b"first", key=b"order-17")
    producer.flush()
    with sniffing(url) as sniffer:
        producer.produce("orders", BODY, key=b"order-17")
        producer.flush()
    return sniffer.sent


def sqs(url: str) -> bytes:
    """Send the order with boto3 and return what was sent."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="x", config=Config(user_agent="Boto3"),
    )  # fmt: skip
    address = client.create_queue(QueueName="orders")["QueueUrl"]
    with sniffing(url) as sniffer:
        client.send_message(QueueUrl=address, MessageBody=BODY.decode())
    return sniffer.sent


def pulsar(url: str) -> bytes:
    """Send the order with pulsar-client and return what was sent."""
    import pulsar as client_of_pulsar

    url = url.partition("?")[0]
    quiet = client_of_pulsar.ConsoleLogger(client_of_pulsar.LoggerLevel.Error)
    client = client_of_pulsar.Client(url, logger=quiet)
    producer: Any = None
    while producer is None:  # the namespace comes some seconds after the port
        try:
            producer = client.create_producer("orders", batching_enabled=False)
        except client_of_pulsar.PulsarException:
            time.sleep(0.5)
    with sniffing(url) as sniffer:
        producer.send(BODY)
    client.close()
    # the broker's own clients talk on the same port
    start = sniffer.sent.index(BODY)
    head = sniffer.sent.rindex(b"\x0e\x01", 0, start) - 16
    return sniffer.sent[head : start + len(BODY)]


def cut_redis(_: bytes) -> Cut:
    """The parts of XADD: RESP counts the bytes of each value."""
    return [
        (4, "frame", "5 values"),
        (10, "frame", "the command"),
        (12, "address", "stream"),
        (7, "properties", "id: server's choice"),
        (10, "properties", "a field"),
        (5, "frame", "37 bytes"),
        (len(BODY), "body", "its value"),
        (2, "frame", "end"),
    ]


def cut_rabbitmq(_: bytes) -> Cut:
    """The parts of Basic.Publish: three frames, each with a type, a channel, a length, an end."""
    kind = len(b"application/json")
    return [
        (7, "frame", "method frame"),
        (4, "frame", "Basic.Publish"),
        (11, "address", "exchange, routing key"),
        (1, "frame", "end"),
        (7, "frame", "header frame"),
        (4, "frame", "class Basic"),
        (8, "frame", "37 bytes follow"),
        (2 + 1 + kind + 1, "properties", "type; persistent"),
        (1, "frame", "end"),
        (7, "frame", "body frame"),
        (len(BODY), "body", "the body"),
        (1, "frame", "end"),
    ]


def cut_kafka(_: bytes) -> Cut:
    """The parts of a Produce request, version 10, with one batch of one record."""
    return [
        (4, "frame", "length"),
        (4, "frame", "Produce, version 10"),
        (4, "properties", "correlation id"),
        (7, "properties", "client"),
        (1, "properties", "no transaction"),
        (2, "properties", "acks: all"),
        (4, "properties", "30 s"),
        (8, "address", "topic"),
        (5, "address", "partition 1"),
        (1, "frame", "size"),
        (21, "frame", "batch: offset, length, version, checksum"),
        (22, "properties", "batch: times"),
        (14, "properties", "no producer id"),
        (4, "frame", "1 record"),
        (4, "frame", "record: length, time, offset"),
        (9, "address", "key"),
        (1, "frame", "37 bytes"),
        (len(BODY), "body", "value"),
        (-1, "frame", "no headers"),
    ]


def cut_sqs(sent: bytes) -> Cut:
    """The parts of an HTTP request: its lines, and a body that holds the order as a text."""
    parts: Cut = [(sent.index(b"\r\n") + 2, "frame", "the request")]
    roles = {
        b"Host": ("address", "the service"),
        b"X-Amz-Target": ("address", "the action"),
        b"Authorization": ("properties", "who asks, signed"),
    }
    head, _, body = sent.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[1:]:
        role, says = roles.get(line.partition(b":")[0], ("properties", "a header"))
        parts.append((len(line) + 2, role, says))
    queue = body.index(b'"MessageBody"')
    order = len(json.dumps(BODY.decode()))
    start = len('"MessageBody": ')
    parts += [
        (2, "frame", "end of headers"),
        (queue, "address", "the queue"),
        (start, "frame", "a field"),
        (order, "body", "the order, as a text in JSON"),
        (-1, "frame", "end"),
    ]
    return parts


def cut_pulsar(sent: bytes) -> Cut:
    """The parts of SEND: a command and metadata in Protocol Buffers, and the payload."""
    command = struct.unpack(">I", sent[4:8])[0]
    metadata = struct.unpack(">I", sent[14 + command : 18 + command])[0]
    return [
        (8, "frame", "lengths"),
        (command, "address", "SEND: producer, number"),
        (6, "frame", "checksum"),
        (4, "frame", "length"),
        (metadata, "properties", "producer, number, time"),
        (len(BODY), "body", "the payload"),
    ]


REQUESTS: dict[str, tuple[Callable[[str], bytes], Callable[[bytes], Cut], str, str]] = {
    "redis": (redis, cut_redis, "RESP: XADD", "redis"),
    "rabbitmq": (rabbitmq, cut_rabbitmq, "AMQP 0.9.1: Basic.Publish", "pika"),
    "kafka": (kafka, cut_kafka, "Kafka: Produce", "confluent-kafka"),
    "pulsar": (pulsar, cut_pulsar, "Pulsar: SEND", "pulsar-client"),
    "sqs": (sqs, cut_sqs, "HTTP: SendMessage", "boto3"),
}


def cut(sent: bytes, lengths: Cut) -> list[tuple[str, str, str]]:
    """Return the parts of a request, their bytes in hexadecimal. Raises ValueError if they are not
    the whole of it.
    """
    parts, at = [], 0
    for length, role, says in lengths:
        end = len(sent) if length < 0 else at + length
        parts.append((sent[at:end].hex(), role, says))
        at = end
    if at != len(sent):
        raise ValueError(f"parts must add up to {len(sent)} bytes, got {at}: {sent!r}")
    return parts


def write(known: dict[str, Any]) -> None:
    """Write the requests to the file, a line for each part."""
    ordered = {engine: known[engine] for engine in REQUESTS if engine in known}
    text = json.dumps(ordered, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+(\"[^\]]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


def main() -> None:
    """Capture the requests that were asked for, and replace them in the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("engines", nargs="*", help=f"of {', '.join(REQUESTS)}; by default all")
    wanted = parser.parse_args().engines or list(REQUESTS)
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for engine in wanted:
        send, lengths, name, client = REQUESTS[engine]
        with local(engine) as url:
            sent = send(url)
        version = importlib.metadata.version(client)
        known[engine] = {
            "name": name,
            "client": f"{client} {version}",
            "parts": cut(sent, lengths(sent)),
        }
        write(known)


if __name__ == "__main__":
    main()
