"""The partitioner is Kafka's own."""

from __future__ import annotations

import pytest

from mqlearn.streaming.partitioner import murmur2, partition_for

# apache/kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2
JAVA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
# confluentinc/librdkafka, src/rdmurmur2.c, unittest_murmur2
LONG = "PreAmbleWillBeRemoved,ThePrePartThatIs"
LIBRDKAFKA = {
    "kafka": 0xD067CF64,
    "giberish123456789": 0x8F552B0C,
    "1234": 0x9FC97B14,
    "234": 0xE7C009CA,
    "34": 0x873930DA,
    "4": 0x5A4B5CA1,
    LONG: 0x78424F1C,
    LONG[1:]: 0x4A62B377,
    LONG[2:]: 0xE0E4E09E,
    LONG[3:]: 0x62B8B43F,
    "": 0x106E08D9,
}


@pytest.mark.parametrize(("key", "value"), JAVA.items())
def test_it_agrees_with_the_vectors_of_kafkas_java_client(key: str, value: int) -> None:
    """Kafka's own test gives these signed numbers."""
    assert murmur2(key.encode()) == value


@pytest.mark.parametrize(("key", "value"), LIBRDKAFKA.items())
def test_it_agrees_with_the_vectors_of_librdkafka(key: str, value: int) -> None:
    """The C client's own test gives these unsigned numbers, of every length of the tail."""
    assert murmur2(key.encode()) & 0xFFFFFFFF == value


def test_a_partition_drops_the_sign_bit_and_is_not_the_absolute_value() -> None:
    """`toPositive` is `& 0x7fffffff`: of -790332482 and four partitions it makes 2; so would abs,
    but not of five.
    """
    assert [partition_for("21", n) for n in (3, 4, 6)] == [0, 0, 0]
    assert [partition_for("foobar", n) for n in (3, 4, 6)] == [0, 2, 0]
    assert partition_for("foobar", 5) == (-790332482 & 0x7FFFFFFF) % 5 == 1 != abs(-790332482) % 5


def test_an_empty_key_is_a_key_and_other_alphabets_are_utf8() -> None:
    """Java hashes the serialised key: no bytes are bytes too, and Kafka's StringSerializer writes
    UTF-8.
    """
    assert partition_for("", 4) == 1
    assert partition_for("café", 1 << 20) == (murmur2(b"caf\xc3\xa9") & 0x7FFFFFFF) % (1 << 20)


@pytest.mark.parametrize(
    ("before", "after", "share"), [(3, 4, 0.75), (4, 5, 0.80), (4, 6, 0.667), (4, 8, 0.50)]
)
def test_adding_partitions_moves_the_keys(before: int, after: int, share: float) -> None:
    """From four to six, two thirds of the keys move; a doubling moves half."""
    keys = [f"order-{i}" for i in range(5000)]
    moved = sum(partition_for(key, before) != partition_for(key, after) for key in keys) / len(keys)
    assert abs(moved - share) < 0.02
