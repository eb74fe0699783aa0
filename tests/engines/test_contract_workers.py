"""The contract: the course's processors run on every queue, unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mqlearn import (
    BatchMessageProcessor,
    Message,
    MessageProcessor,
    Reject,
    WorkerCrash,
)
from tests.engines.contract import rule
from tests.engines.site import Site, is_empty, reasons, send_all
from tests.engines.until import until

LEASE = 1.0  # seconds


@contextmanager
def working(processor: Any, workers: int = 3) -> Iterator[None]:
    """Run workers within the block."""
    processor.start_workers(workers)
    try:
        yield
    finally:
        processor.stop_workers(60)


@rule("a MessageProcessor stops and starts")
def test_a_processor_stops_and_starts(site: Site) -> None:
    """It stops in the middle, goes on where it stopped, and has done each message once."""
    queue, done = site.open(), Counter[str]()
    processor = MessageProcessor(queue)

    def work(message: Message) -> None:
        queue.runtime.sleep(0.02)  # so that there is a middle in which to stop
        done[message.id] += 1

    processor.register_processor("default", work)
    send_all(queue, [site.message(f"order-{number}") for number in range(60)])
    for goal in (5, 15, 25):
        with working(processor):
            until(lambda goal=goal: len(done) >= goal, "some are done")  # type: ignore[misc]
    with working(processor):
        until(lambda: len(done) == 60, "all are done")
    assert set(done.values()) == {1}
    assert is_empty(queue)


@rule("a crashed worker's message is done by another")
def test_a_worker_crashes(site: Site) -> None:
    """`WorkerCrash` settles nothing: the lease ends, and the pool has a new worker by then."""
    queue, tries = site.open(lease=LEASE), list[tuple[str, int]]()
    processor = MessageProcessor(queue, restart_after=0.1)

    def work(message: Message) -> None:
        tries.append((message.id, message.attempt))
        if message.id == "order-1" and tries.count(tries[-1]) == 1 and message.attempt == 1:
            raise WorkerCrash

    processor.register_processor("default", work)
    for number in (1, 2, 3):
        queue.send(site.message(f"order-{number}"))
    expected = Counter({"order-1": 2, "order-2": 1, "order-3": 1})
    if site.lacks("lease"):
        expected["order-1"] = 1
    with working(processor, 2):
        until(lambda: Counter(name for name, _ in tries) == expected, "all are done")
    assert is_empty(queue, 1.5 * LEASE)


@rule("failures, rejections and unknown types under a MessageProcessor")
def test_each_message_has_its_end(site: Site) -> None:
    """Failed once, failed for ever, refused, without a handler: each ends as it must."""
    queue, done = site.open(retries=2), Counter[str]()
    processor = MessageProcessor(queue)

    def work(message: Message) -> None:
        kind = message.id.split("-")[0]
        if kind == "poison" or (kind == "flaky" and done[message.id] == 0):
            done[message.id] += 1
            raise RuntimeError("no stock")
        if kind == "bad":
            raise Reject("no such customer")
        done[message.id] += 1

    processor.register_processor("order", work)
    counts = site.has("delivery_count")
    kinds = ["fine", "flaky", "bad", "other", *(["poison"] if counts else [])]
    for number in range(3):
        for kind in kinds:
            headers = {"type": "nobody" if kind == "other" else "order"}
            queue.send(site.message(f"{kind}-{number}", headers=headers))
    dead = {f"{kind}-{number}" for kind in {"bad", "other", *kinds[4:]} for number in range(3)}
    with working(processor):
        until(lambda: set(reasons(queue)) == dead, "the dead letters are there")
        until(lambda: sum(done.values()) == 9 + 9 * counts, "the others are done")
    expected = {"fine": 1, "flaky": 2, **({"poison": 3} if counts else {})}
    assert done == {f"{kind}-{n}": times for kind, times in expected.items() for n in range(3)}
    assert is_empty(queue)


@rule("a BatchMessageProcessor, with one bad message in a batch")
def test_batches(site: Site) -> None:
    """Each result settles its own message."""
    queue, done = site.open(retries=2), Counter[str]()

    def work(batch: list[Message]) -> list[bool]:
        done.update(message.id for message in batch)
        return [message.id != "order-7" or done[message.id] > 1 for message in batch]

    processor = BatchMessageProcessor(queue, batch_size=5, batch_timeout=0.2)
    send_all(queue, [site.message(f"order-{number}") for number in range(20)])
    processor.start_batch_processing(work)
    until(lambda: len(done) == 20 and done["order-7"] == 2, "all are done")
    processor.stop(60)
    assert done.total() == 21
    assert is_empty(queue)


@rule("a batch that fills for longer than a lease")
def test_a_slow_batch(site: Site) -> None:
    """Its leases are renewed where the engine can. Elsewhere what was lost comes again: late, and
    not never.
    """
    lease = 4.0  # long enough to renew all of them in time, on a busy machine
    queue, sizes, done = site.open(lease=lease, retries=50), list[int](), set[str]()

    def work(batch: list[Message]) -> list[bool]:
        sizes.append(len(batch))
        done.update(message.id for message in batch)
        return [True] * len(batch)

    processor = BatchMessageProcessor(queue, batch_size=5, batch_timeout=1.25 * lease)
    processor.start_batch_processing(work)
    send_all(queue, [site.message(f"order-{number}") for number in range(3)])
    until(lambda: len(done) == 3, "all are done")
    processor.stop(60)
    assert is_empty(queue)
    if not site.lacks("extend"):
        assert sizes == [3]


@rule("stop gives prefetched messages back")
def test_prefetched_messages_come_back(site: Site) -> None:
    """A worker that holds ten and is stopped at the first loses none."""
    queue, done, started = site.open(), list[str](), list[str]()
    processor = MessageProcessor(queue, prefetch=10)
    processor.register_processor("default", lambda message: started.append(message.id))
    send_all(queue, [site.message(f"order-{number}") for number in range(20)])
    with working(processor, 1):
        until(lambda: started, "it has begun")
    again = MessageProcessor(queue)
    again.register_processor("default", lambda message: done.append(message.id))
    with working(again):
        until(lambda: len({*started, *done}) == 20, "all are done")
    assert Counter([*started, *done]).most_common(1)[0][1] == 1
