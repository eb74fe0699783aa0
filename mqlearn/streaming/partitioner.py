"""Kafka's partitioner: it gives a key the same partition in every process and on every machine."""

from __future__ import annotations

from functools import lru_cache
from struct import iter_unpack

from mqlearn.runtime import check

# the constants are Kafka's: with another seed a key would go to another partition than there
SEED, M, MASK = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF
KEYS = 10_000  # keys whose partition is remembered


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of `data`, as a signed number, as in Java.

    Source: Austin Appleby's MurmurHash2, with the seed of Apache Kafka (`Utils.murmur2`).
    """
    check.instance("data", data, bytes)
    h = SEED ^ len(data)
    whole = len(data) & ~3
    # four bytes at a time, as little-endian numbers; `& MASK` keeps 32 bits, as an int does in Java
    for (word,) in iter_unpack("<I", data[:whole]):
        k = word * M & MASK
        h = (h * M & MASK) ^ ((k ^ k >> 24) * M & MASK)
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * M & MASK
    h = (h ^ h >> 13) * M & MASK
    h ^= h >> 15
    # Java's int is signed: the upper half of the numbers is negative there
    return h - (1 << 32) if h >> 31 else h


def partition_for(key: str, partitions: int) -> int:
    """Return the partition of `key`, from 0 to `partitions` − 1.

    The formula is toPositive(murmur2(key in UTF-8)) % partitions, where `toPositive` clears the
    sign bit (which is not the absolute value).

    Kafka's Java client and kafka-python choose the same partition; confluent-kafka does so with
    `partitioner=murmur2_random`.
    """
    check.instance("key", key, str)
    partitions = check.whole("partitions", partitions, low=1)
    return cached_partition(key, partitions)


@lru_cache(KEYS)
def cached_partition(key: str, partitions: int) -> int:
    """Do as `partition_for`, for arguments that have been checked; most keys are used many times,
    so the last 10,000 answers are remembered.
    """
    return (murmur2(key.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF) % partitions
