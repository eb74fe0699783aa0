"""Messages per second of each engine, batched and one by one, beside the queue in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from bench.engines.candidates import Candidate, version
from mqlearn import InMemoryMessageQueue, Message, StreamEvent

BODY_BYTES = 1024
IN_MEMORY = 10_000  # messages of a round in memory
BATCH = 100
ROUNDS = 3  # after one that only warms up
PATIENCE = 30.0  # seconds without a message after which a measurement has failed
GROUP = "measured"

Row = dict[str, Any]


def message(number: int) -> Message:
    """Return a message with a body of about 1 KB."""
    return Message(id=f"m{number}", body={"text": "x" * BODY_BYTES})


def event(number: int) -> StreamEvent:
    """Return an event with data of about 1 KB, one of a thousand keys."""
    return StreamEvent(
        "measured", data={"text": "x" * BODY_BYTES}, partition_key=f"k{number % 1000}"
    )


def timed(call: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    gc.collect()
    start = perf_counter()
    call()
    return perf_counter() - start


def in_memory() -> dict[str, float]:
    """Return the messages per second of the queue in memory, sent and received."""
    queue = InMemoryMessageQueue(max_size=IN_MEMORY)
    messages = [message(number) for number in range(IN_MEMORY)]

    def send() -> None:
        for each in messages:
            queue.send(each)

    def receive() -> None:
        for _ in range(IN_MEMORY):
            queue.ack(queue.receive(timeout=0))  # type: ignore[arg-type]

    return {"send": IN_MEMORY / timed(send), "receive": IN_MEMORY / timed(receive)}


class QueueWork:
    """What is timed on a queue."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def send(self, n: int) -> Callable[[], None]:
        """Return a call that sends `n` messages in batches."""
        messages = [message(number) for number in range(n)]
        parts = [messages[at : at + BATCH] for at in range(0, n, BATCH)]

        def call() -> None:
            for part in parts:
                if self.queue.send_many(part) != len(part):
                    raise RuntimeError(f"{self.queue.engine} refused a message")

        return call

    def receive(self, n: int) -> Callable[[], None]:
        """Return a call that receives and acks `n` messages in batches."""

        def call() -> None:
            left = n
            while left:
                got = self.queue.receive_many(min(BATCH, left), timeout=PATIENCE)
                if not got or self.queue.ack_many(got) != len(got):
                    raise RuntimeError(f"{self.queue.engine} lost a message or an ack")
                left -= len(got)

        return call

    def send_singly(self, n: int) -> Callable[[], None]:
        """Return a call that sends `n` messages, each confirmed before the next."""
        messages = [message(number) for number in range(n)]

        def call() -> None:
            for each in messages:
                if not self.queue.send(each):
                    raise RuntimeError(f"{self.queue.engine} refused a message")

        return call

    def receive_singly(self, n: int) -> Callable[[], None]:
        """Return a call that receives and acks `n` messages, one after the other."""

        def call() -> None:
            for _ in range(n):
                got = self.queue.receive(timeout=PATIENCE)
                if got is None or not self.queue.ack(got):
                    raise RuntimeError(f"{self.queue.engine} lost a message or an ack")

        return call

    def settle_rest(self) -> None:
        """Empty the queue, so that each measurement begins alike."""
        while got := self.queue.receive_many(BATCH, timeout=0.5):
            self.queue.ack_many(got)


class LogWork(QueueWork):
    """What is timed on a log: append, and read by a group that commits."""

    def __init__(self, queue: Any) -> None:
        super().__init__(queue)
        self.consumer = queue.consumer(GROUP)
        self.waiting: list[Any] = []

    def send(self, n: int) -> Callable[[], None]:
        events = [event(number) for number in range(n)]
        parts = [events[at : at + BATCH] for at in range(0, n, BATCH)]

        def call() -> None:
            for part in parts:
                self.queue.append_many(part)

        return call

    def receive(self, n: int) -> Callable[[], None]:
        return lambda: self._read(n, BATCH)

    def send_singly(self, n: int) -> Callable[[], None]:
        events = [event(number) for number in range(n)]

        def call() -> None:
            for each in events:
                self.queue.append(each)

        return call

    def receive_singly(self, n: int) -> Callable[[], None]:
        return lambda: self._read(n, 1)

    def _read(self, n: int, at_once: int) -> None:
        left = n
        while left > 0:
            got = self.consumer.poll(min(at_once, left), timeout=PATIENCE)
            if not got:
                raise RuntimeError("the log lost an event")
            self.consumer.commit()
            left -= len(got)

    def settle_rest(self) -> None:
        while self.consumer.poll(500, timeout=0.5):
            self.consumer.commit()

    def close(self) -> None:
        """Leave the group."""
        self.consumer.close()


def measure(candidate: Candidate, about: Row, tick: Callable[[], object]) -> Iterator[Row]:
    """Yield a row for each mode, operation and round. `about` has the columns that all rows share,
    and `tick()` is called after each round.
    """
    batched_out, batched_in, single_out, single_in = candidate.counts
    with candidate.started() as (_, queue):
        work = LogWork(queue) if candidate.queue == "KafkaStream" else QueueWork(queue)
        try:
            for number in range(ROUNDS + 1):
                rival = in_memory()
                # what one step sends, the next receives
                steps = (
                    ("batched", "send", batched_out, work.send),
                    ("batched", "receive", batched_in, work.receive),
                    ("one by one", "send", single_out, work.send_singly),
                    ("one by one", "receive", single_in, work.receive_singly),
                )
                for mode, operation, messages, prepare in steps:
                    seconds = timed(prepare(messages))
                    if number == 0:
                        continue  # this round only warms up
                    per_second = messages / seconds
                    yield {
                        **about,
                        "engine": candidate.engine,
                        "version": version(candidate.server, queue),
                        "durability": candidate.durability,
                        "mode": mode,
                        "operation": operation,
                        "body_bytes": BODY_BYTES,
                        "messages": messages,
                        "round": number,
                        "seconds": f"{seconds:.6f}",
                        "per_second": f"{per_second:.2f}",
                        "in_memory_per_second": f"{rival[operation]:.2f}",
                        "ratio": f"{rival[operation] / per_second:.3f}",
                    }
                work.settle_rest()
                tick()
        finally:
            if isinstance(work, LogWork):
                work.close()
