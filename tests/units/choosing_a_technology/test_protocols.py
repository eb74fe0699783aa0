"""Unit 14: the recorded requests are what the clients of five protocols send."""

import json
import struct

from mqlearn import partition_for
from mqlearn.units.choosing_a_technology.protocols import wire_requests

ORDER = b'{"order": "order-17", "amount": 20.0}'


def sent() -> dict[str, bytes]:
    """The whole bytes of each request, by the first word of its name."""
    return {
        name.partition(":")[0]: b"".join(data for data, _, _ in parts)
        for name, parts in wire_requests().items()
    }


def test_each_request_holds_the_order_once() -> None:
    """As one part, the body; over HTTP as a text within JSON."""
    for name, parts in wire_requests().items():
        bodies = [data for data, role, _ in parts if role == "body"]
        held = json.loads(bodies[0]).encode() if name.startswith("HTTP") else bodies[0]
        assert [held, *bodies[1:]] == [ORDER], name


def test_the_lengths_in_the_requests_are_true() -> None:
    """They are whole requests: each says how long it is, and is as long."""
    whole = sent()
    assert whole["RESP"].count(b"$") == 5 and whole["RESP"].startswith(b"*5\r\n")
    kafka, pulsar = whole["Kafka"], whole["Pulsar"]
    assert struct.unpack(">I", kafka[:4])[0] == len(kafka) - 4
    assert struct.unpack(">I", pulsar[:4])[0] == len(pulsar) - 4
    head, _, body = whole["HTTP"].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    frames, rest = [], whole["AMQP 0.9.1"]
    while rest:
        kind, channel, length = struct.unpack(">BHI", rest[:7])
        frames.append((kind, channel, rest[7 + length]))
        rest = rest[8 + length :]
    assert frames == [(1, 1, 0xCE), (2, 1, 0xCE), (3, 1, 0xCE)]


def test_kafkas_client_chose_the_partition_of_our_stream() -> None:
    """The recorded request names the partition that `partition_for` computes for the key."""
    parts = wire_requests()[next(name for name in wire_requests() if name.startswith("Kafka"))]
    data = next(data for data, _, says in parts if says.startswith("partition"))
    assert struct.unpack(">I", data[1:])[0] == partition_for("order-17", 4) == 1
