"""Shards: which keys move when one is added, who suffers from a noisy tenant, and what the router
sends where.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    ShardRouter,
    Simulation,
    ThreadRuntime,
    Trace,
    partition_for,
    shards_of,
)

KEYS = [f"tenant-{number}" for number in range(2000)]


def test_a_key_has_the_same_shards_in_every_process() -> None:
    """These were found in another one."""
    assert [shards_of(key, 8, 2) for key in ("AA", "UA", "é", "\ud800")] == [
        (4, 0),
        (6, 2),
        (1, 7),
        (5, 4),
    ]


def test_keys_are_spread_evenly_over_shards_and_over_pairs_of_them() -> None:
    """Of 2,000 keys a shard of 8 has 250, and a pair 71."""
    one = Counter(shards_of(key, 8) for key in KEYS)
    two = Counter(frozenset(shards_of(key, 8, 2)) for key in KEYS)
    assert set(one) == {(shard,) for shard in range(8)} and min(one.values()) > 200
    assert max(one.values()) < 300
    assert set(two) == {frozenset(pair) for pair in combinations(range(8), 2)}
    assert 45 < min(two.values()) < max(two.values()) < 100


def test_a_fifth_shard_takes_a_fifth_of_the_keys_and_moves_no_other() -> None:
    """A hash modulo the number of shards moves four of five keys."""
    moved = [key for key in KEYS if shards_of(key, 4) != shards_of(key, 5)]
    assert {shards_of(key, 5) for key in moved} == {(4,)}
    assert 0.17 < len(moved) / len(KEYS) < 0.23
    by_remainder = sum(partition_for(key, 4) != partition_for(key, 5) for key in KEYS)
    assert 0.77 < by_remainder / len(KEYS) < 0.83


def queues(runtime: Any, count: int, trace: Trace | None = None) -> list[InMemoryMessageQueue]:
    """So many queues."""
    return [
        InMemoryMessageQueue(5, runtime=runtime, trace=trace, name=f"shard-{number}")
        for number in range(count)
    ]


def by_tenant(message: Message) -> str:
    """The key of a message."""
    return message.headers["tenant"]


def message(name: str, tenant: str) -> Message:
    """A message of a tenant."""
    return Message(id=name, headers={"tenant": tenant})


def test_a_key_stays_on_its_shard_and_a_full_shard_refuses(sim: Simulation) -> None:
    """In the order of sending; the others have room."""
    shards = queues(sim, 4)
    router = ShardRouter(shards, by_tenant)
    assert [router.send(message(f"{n}", "AA")) for n in range(6)] == [True] * 5 + [False]
    (home,) = shards_of("AA", 4)
    assert [m.id for m in shards[home].receive_many(9, 0)] == list("01234")
    assert sum(queue.size() for queue in shards) == 0


def test_with_two_shards_a_message_joins_the_shorter(sim: Simulation) -> None:
    """What is in flight counts as well; equal ones: the first of the key's two."""
    shards = queues(sim, 8)
    router = ShardRouter(shards, by_tenant, per_key=2)
    first, second = shards_of("AA", 8, 2)
    went = []
    for number in range(4):
        went.append(shards.index(router.shard_for(message("x", "AA"))))
        router.send(message(f"{number}", "AA"))
    assert went == [first, second, first, second]
    shards[first].receive(0)
    router.send(message("4", "AA"), delay=5.0)
    router.send(message("5", "AA"))
    assert [shards[n].size() for n in (first, second)] == [2, 3]


def suffering(sim: Simulation, shards: int, per_key: int, workers: int) -> float:
    """The share of 100 quiet tenants that wait more than 5 s for one of their messages, while a
    noisy one sends 20 a second for 30 s; a message takes a second.
    """
    trace = Trace()
    lines = [
        InMemoryMessageQueue(visibility_timeout=None, runtime=sim, trace=trace, name=f"{number}")
        for number in range(shards)
    ]
    router = ShardRouter(lines, by_tenant, per_key=per_key)
    for line in lines:
        processor = MessageProcessor(line)
        processor.register_processor("default", lambda message: sim.sleep(1.0))
        processor.start_workers(workers)
    for number in range(600):
        sim.call_at(number / 20, lambda n=number: router.send(message(f"{n}", "noisy")))
    for number in range(100):
        late = 25.0 + 0.4 * number
        sim.call_at(late, lambda n=number: router.send(message(f"quiet {n}", f"quiet {n}")))
    sim.run()
    sent = {r.message_id: r.time for r in trace.records if r.event == "sent"}
    began = {r.message_id: r.time for r in trace.records if r.event == "received"}
    quiet = [name for name in sent if name.startswith("quiet")]
    return sum(began[name] - sent[name] > 5 for name in quiet) / len(quiet)


def test_a_noisy_tenant_harms_all_a_quarter_or_few(sim: Simulation) -> None:
    """Eight workers on one line: all. Four shards of two: a quarter. Two of eight shards each: only
    those that have both in common with it, 1 of 28.
    """
    assert suffering(sim, 1, 1, 8) == 1.0
    with Simulation() as again:
        assert 0.15 < suffering(again, 4, 1, 2) < 0.35
    with Simulation() as again:
        assert suffering(again, 8, 2, 1) < 0.1


def test_on_threads_every_message_reaches_its_shard() -> None:
    """Four senders at once."""
    runtime = ThreadRuntime()
    shards = [InMemoryMessageQueue(runtime=runtime, name=f"{number}") for number in range(4)]
    router = ShardRouter(shards, by_tenant, per_key=2)

    def send(sender: int) -> None:
        for number in range(100):
            assert router.send(message(f"{sender}-{number}", f"tenant-{number}"))

    tasks = [runtime.spawn(send, sender) for sender in range(4)]
    for task in tasks:
        task.join(10)
    for number, shard in enumerate(shards):
        for delivery in shard.receive_many(999, 0):
            assert number in shards_of(by_tenant(delivery), 4, 2)
    assert sum(shard.get_in_flight_count() for shard in shards) == 400


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"shards": []}, ValueError, r"shards must have at least one queue, got \[\]"),
        ({"shards": 5}, TypeError, "shards must be list or tuple, got 5"),
        ({"shards": [5]}, TypeError, "shards must be InMemoryMessageQueue, got 5"),
        ({"key": "tenant"}, TypeError, "key must be callable, got 'tenant'"),
        ({"per_key": 3}, ValueError, "per_key must be at most 2, got 3"),
        ({"per_key": 0}, ValueError, "per_key must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused(
    sim: Simulation, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    """When the router is made; a key that is no text when it sends, and nothing is sent then."""
    with pytest.raises(error, match=f"^{said}$"):
        ShardRouter(**{"shards": queues(sim, 2), "key": by_tenant, **given})
    shards = queues(sim, 2, Trace())
    router = ShardRouter(shards, lambda message: 5)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="key must be str, got 5"):
        router.send(Message())
    assert shards[0].size() + shards[1].size() == 0
    with pytest.raises(ValueError, match="per_key must be at most 4, got 5"):
        shards_of("AA", 4, 5)
