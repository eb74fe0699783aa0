"""One code, two clocks: a shop with crashes, backoff, rejects and expiry ends alike on simulated
and on real time.
"""

from __future__ import annotations

from collections import Counter

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)
from mqlearn.runtime.base import Runtime

DEADLINE = 30.0  # seconds on either clock
LEASE = 0.5  # seconds: far longer than a handler that only looks at its message


def shop(runtime: Runtime) -> dict[str, object]:
    """Everything that happens, in one function that does not know which clock it is on."""
    trace = Trace()
    queue = InMemoryMessageQueue(
        20,
        visibility_timeout=LEASE,
        retry=RetryPolicy(0.001, cap=0.01),
        on_full="block",
        runtime=runtime,
        trace=trace,
    )
    processor = MessageProcessor(queue, prefetch=2, restart_after=0.01)

    crashed: list[str] = []

    def handle(message: Message) -> object:
        kind, first = message.id.split("-")[0], message.attempt == 1
        # not by its attempt: it may be lost while prefetched
        if kind == "crash" and message.id not in crashed:
            crashed.append(message.id)
            raise WorkerCrash
        if kind == "reject":
            raise Reject("no such order")
        if kind == "later" and first:
            raise Release(0.01)
        return kind != "poison" and not (kind == "flaky" and message.retry_count == 0)

    processor.register_processor("default", handle)
    kinds = ("fine", "flaky", "poison", "reject", "later", "fine", "fine", "flaky")
    names = [f"{kinds[i % len(kinds)]}-{i}" for i in range(160)] + [f"crash-{i}" for i in range(3)]

    queue.send(Message(id="stale", ttl=0.001))
    runtime.sleep(0.002)

    def produce() -> None:
        for name in names:
            queue.send(Message(id=name, max_retries=6))

    producers = [runtime.spawn(produce, name="producer")]
    processor.start_workers(4)
    for producer in producers:
        producer.join(timeout=DEADLINE)
    pause, deadline = runtime.condition(), runtime.now + DEADLINE
    while sum(queue.census()[place] for place in ("waiting", "delayed", "in flight")):
        assert runtime.now < deadline, queue.census()
        with pause:
            pause.wait(0.01)
    processor.stop_workers()
    books = trace.balance()
    reasons = Counter(
        (letter.id.split("-")[0], letter.headers["dead_letter_reason"])
        for letter in queue.get_dead_letter_messages()
    )
    done = Counter(
        record.message_id.split("-")[0] for record in trace.records if record.event == "acked"
    )
    crashes = sum(record.detail == "crashed" for record in trace.records)
    return {
        "accepted": books.accepted,
        "done": done,
        "reasons": reasons,
        "processed": processor.metrics["processed"],
        "left": (books.waiting, books.delayed, books.in_flight),
        "crashes": crashes,
    }


def test_a_rough_shop_ends_alike_on_both_clocks() -> None:
    """Same function, same ends of the same messages, same reasons; only the time was another."""
    with Simulation(seed=5) as sim:
        simulated = shop(sim)
        assert sim.now < 5
    assert simulated == shop(ThreadRuntime(seed=5))
    assert simulated["done"] == {"fine": 60, "flaky": 40, "later": 20, "crash": 3}
    assert simulated["reasons"] == {
        ("poison", "retries exhausted"): 20,
        ("reject", "no such order"): 20,
        ("stale", "expired"): 1,
    }
    assert simulated["crashes"] == 3
