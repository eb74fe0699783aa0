"""Kafka's partitioner: which partition a key belongs to, in every process and on every machine."""

from __future__ import annotations

from mqlearn.runtime import check

SEED, M = 0x9747B28C, 0x5BD1E995


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of `data`, as the signed number that Java makes of it.

    Source: Austin Appleby's MurmurHash2, with the seed of Apache Kafka (`Utils.murmur2`).
    """
    check.instance("data", data, bytes)
    h = SEED ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * M & 0xFFFFFFFF
        k = (k ^ k >> 24) * M & 0xFFFFFFFF
        h = (h * M & 0xFFFFFFFF) ^ k
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * M & 0xFFFFFFFF
    h = (h ^ h >> 13) * M & 0xFFFFFFFF
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition_for(key: str, partitions: int) -> int:
    """The partition, from 0, of `key` among `partitions`: toPositive(murmur2(key in UTF-8)) % partitions.

    Kafka's Java client and kafka-python put a key there; confluent-kafka does if told `partitioner=murmur2_random`.
    `toPositive` drops the sign bit and is not the absolute value.
    """
    check.instance("key", key, str)
    check.whole("partitions", partitions, low=1)
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
