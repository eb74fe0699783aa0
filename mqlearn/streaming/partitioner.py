"""Kafka's partitioner: which partition a key belongs to, in every process and on every machine."""

from __future__ import annotations

from functools import lru_cache
from struct import iter_unpack

from mqlearn.runtime import check

SEED, M, MASK = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF
KEYS = 10_000  # how many are remembered with their partition


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of `data`, as the signed number that Java makes of it.

    Source: Austin Appleby's MurmurHash2, with the seed of Apache Kafka (`Utils.murmur2`).
    """
    check.instance("data", data, bytes)
    h = SEED ^ len(data)
    whole = len(data) & ~3
    for (word,) in iter_unpack("<I", data[:whole]):
        k = word * M & MASK
        h = (h * M & MASK) ^ ((k ^ k >> 24) * M & MASK)
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * M & MASK
    h = (h ^ h >> 13) * M & MASK
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition_for(key: str, partitions: int) -> int:
    """The partition, from 0, of `key` among `partitions`: toPositive(murmur2(key in UTF-8)) %
    partitions.

    Kafka's Java client and kafka-python put a key there; confluent-kafka does if told
    `partitioner=murmur2_random`. `toPositive` drops the sign bit and is not the absolute value.
    """
    check.instance("key", key, str)
    check.whole("partitions", partitions, low=1)
    return place(key, partitions)


@lru_cache(KEYS)
def place(key: str, partitions: int) -> int:
    """`partition_for` of a key and a number that have been checked: remembered, since keys come
    again.
    """
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
