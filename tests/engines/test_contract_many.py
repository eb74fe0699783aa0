"""The contract: many messages, many workers, several consumers, several processes."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

from mqlearn import ThreadRuntime
from tests.engines.contract import rule
from tests.engines.holder import other_process
from tests.engines.site import Site, ack_all, drain, finish, get, is_empty, send_all

MANY = 10_000
AT_ONCE = 500  # messages of one call of send_many
DEADLINE = 240.0  # seconds, on a machine that does much else


@rule("10,000 messages through four workers, each exactly once")
def test_ten_thousand_messages(site: Site) -> None:
    """Sent in batches by one and received in batches by four, while the sending goes on."""
    queue, clock = site.open(), ThreadRuntime()
    done: list[Counter[str]] = [Counter() for _ in range(4)]
    stop = clock.now + DEADLINE

    def send() -> None:
        for first in range(0, MANY, AT_ONCE):
            batch = [site.message(str(number)) for number in range(first, first + AT_ONCE)]
            assert send_all(queue, batch) == AT_ONCE

    def work(mine: Counter[str]) -> None:
        while sum(map(len, done)) < MANY and clock.now < stop:
            batch = queue.receive_many(100, timeout=0.5)
            if batch:
                assert ack_all(queue, batch) == len(batch)
            mine.update(message.id for message in batch)

    tasks = [clock.spawn(send), *(clock.spawn(work, mine) for mine in done)]
    finish(*tasks, seconds=DEADLINE + 30)
    total = sum(done, Counter[str]())
    assert len(total) == MANY and set(total.values()) == {1}
    assert is_empty(queue)
    if site.has("exact_size"):
        assert queue.size() == 0


@rule("two consumers share the messages")
def test_two_consumers(site: Site) -> None:
    """Two objects for one queue: both get some, and each message goes to one of them."""
    queue = site.open()
    twin = site.twin(queue)
    send_all(queue, [site.message(f"order-{number}") for number in range(20)])
    found: dict[int, list[str]] = {0: [], 1: []}
    for number, consumer in [(0, queue), (1, twin)] * 5:
        delivery = get(consumer)
        assert consumer.ack(delivery)
        found[number].append(delivery.id)
    rest = [*drain(queue), *drain(twin)]
    assert all(found.values())
    assert sorted([*found[0], *found[1], *rest]) == sorted(f"order-{n}" for n in range(20))


@rule("two processes share the messages")
def test_two_processes(site: Site) -> None:
    """Another process works on the same queue, while this one does; each message once in all."""
    queue = site.open()
    name = site.name_of(queue)
    if not site.kind.server:
        site.says_no()  # what is in memory belongs to one process
        send_all(queue, [site.message("order-1")])
        with other_process(site.kind.id, site.url, name, "work") as other:
            assert other.lines() == []
        assert queue.size() == 1
        return
    sent = [f"order-{number}" for number in range(200)]
    with other_process(site.kind.id, site.url, name, "work") as other:
        send_all(queue, map(site.message, sent[:100]))
        theirs = [other.line()]
        send_all(queue, map(site.message, sent[100:]))
        ours = drain(queue, 2.0)
        theirs += other.lines()
    assert ours and theirs
    assert sorted([*ours, *theirs]) == sorted(sent)


@rule("what another process sends arrives")
def test_another_process_sends(site: Site) -> None:
    """Its messages have ids of their own, and the confirms of its sends hold."""
    queue = site.open()
    with other_process(site.kind.id, site.url, site.name_of(queue), "send 50") as other:
        assert other.lines() == ["sent"]
    found = drain(queue, 2.0)
    if site.kind.server:
        assert sorted(found) == sorted(f"other-{number}" for number in range(50))
    else:
        site.says_no()
        assert found == []


@rule("sixteen threads use one queue")
def test_sixteen_threads(site: Site) -> None:
    """Eight send, eight receive; some nack, some release; each message is acked once."""
    queue, clock = site.open(retries=50), ThreadRuntime()
    each, numbers = 25, count()
    acked: list[str] = []
    stop = clock.now + DEADLINE

    def send(producer: int) -> None:
        for number in range(each):
            assert queue.send(site.message(f"{producer}-{number}"))

    def work() -> None:
        while len(acked) < 8 * each and clock.now < stop:
            delivery = queue.receive(timeout=0.3)
            if delivery is None:
                continue
            # few enough of the others that no message fails ten times
            ending: Any = (*6 * (queue.ack,), queue.nack, queue.release)[next(numbers) % 8]
            assert ending(delivery) is True
            if ending == queue.ack:
                acked.append(delivery.id)

    tasks = [clock.spawn(send, producer) for producer in range(8)]
    tasks += [clock.spawn(work) for _ in range(8)]
    finish(*tasks, seconds=DEADLINE + 30)
    assert sorted(acked) == sorted(f"{p}-{n}" for p in range(8) for n in range(each))
    assert is_empty(queue)
