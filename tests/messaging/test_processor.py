"""What a pool of workers promises, on both clocks."""

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    MessageQueue,
    Reject,
    Release,
    Simulation,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)


def test_handlers_answers_are_settled_as_they_say() -> None:
    """None and true succeed; false, an exception, Reject, Release and a crash each have their own
    fate.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim, trace=trace)
        processor = MessageProcessor(queue)

        def handler(message: Message) -> object:
            if message.attempt == 1:
                if message.id == "crash":
                    try:
                        raise WorkerCrash
                    except WorkerCrash:
                        return True
                if message.id == "later":
                    raise Release(3)
                if message.id == "fails":
                    return False
            if message.id == "never":
                raise Reject("no such order")
            return None

        processor.register_processor("default", handler)
        for name in ("fine", "fails", "later", "never", "crash"):
            queue.send(Message(id=name))
        queue.send(Message(id="lost", headers={"type": "unknown"}))
        processor.start_workers(2)
        sim.run()
        reasons = {m.id: m.headers["dead_letter_reason"] for m in queue.get_dead_letter_messages()}
        assert reasons == {
            "never": "no such order",
            "lost": "unroutable: no handler for type 'unknown'",
        }
        assert processor.metrics == {"processed": 4, "failed": 3, "retried": 1}
        assert trace.balance().completed == 4


def test_a_stopping_pool_gives_back_what_it_holds_and_can_start_again() -> None:
    """Prefetched messages return unspent; the same processor finishes them after a restart."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = MessageProcessor(queue, prefetch=5)
        processor.register_processor("default", lambda message: sim.sleep(1.0))
        for _ in range(10):
            queue.send(Message())
        processor.start_workers(1)
        sim.run(until=2.5)
        processor.stop_workers()
        assert (processor.metrics["processed"], queue.size(), queue.get_in_flight_count()) == (
            3,
            7,
            0,
        )
        processor.start_workers(2)
        sim.run()
        assert processor.metrics["processed"] == 10


class FiveMethods(MessageQueue):
    """The least that is a queue: no receipts, no wake-up."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []
        self.flying: dict[str, Message] = {}

    def send(self, message: Message) -> bool:
        self.waiting.append(message)
        return True

    def receive(self, timeout: float | None = None) -> Message | None:
        if not self.waiting:
            return None
        message = self.waiting.pop(0)
        self.flying[message.id] = message
        return message

    def ack(self, message_id: str) -> bool:
        return self.flying.pop(message_id, None) is not None

    def nack(self, message_id: str, requeue: bool = True) -> bool:
        return self.ack(message_id)

    def size(self) -> int:
        return len(self.waiting)


def test_a_queue_of_five_methods_answers_for_every_ability() -> None:
    """It has no lease, cannot say which delivery is current, and says that nobody can listen."""
    queue, message = FiveMethods(), Message(id="a")
    assert queue.visibility_timeout is None
    assert queue.is_current(message) is None
    assert not queue.extend(message, 5.0)
    assert not queue.observable
    with pytest.raises(NotImplementedError, match="a queue must be observable"):
        queue.listen(print)


def test_a_queue_of_five_methods_runs_under_a_processor() -> None:
    """What lies beyond the five has a working default."""
    queue = FiveMethods()
    processor = MessageProcessor(queue)
    handled: list[str] = []
    done = queue.runtime.condition()

    def handler(message: Message) -> None:
        with done:
            handled.append(message.id)
            done.notify()

    processor.register_processor("default", handler)
    for number in range(3):
        queue.send(Message(id=f"{number}"))
    processor.start_workers(1)
    with done:
        while len(handled) < 3:
            assert done.wait(10)
    processor.stop_workers()
    assert handled == ["0", "1", "2"]
    assert queue.flying == {}


def total(runtime: Simulation | ThreadRuntime) -> tuple[dict[str, int], int]:
    """One scenario: thirty messages, every third of which always fails."""
    trace = Trace()
    queue = InMemoryMessageQueue(runtime=runtime, trace=trace)
    processor = MessageProcessor(queue)
    processor.register_processor("default", lambda message: int(message.id) % 3 > 0)
    for number in range(30):
        queue.send(Message(id=str(number)))
    processor.start_workers(4)
    settled = runtime.condition()
    while queue.size() or queue.get_in_flight_count():
        with settled:
            settled.wait(0.01)
    processor.stop_workers()
    return processor.metrics, trace.balance().dead


def test_one_code_gives_the_same_totals_on_both_clocks() -> None:
    """Simulated tasks and real threads agree: 20 done, 10 dead after 40 charged failures."""
    with Simulation() as sim:
        simulated = total(sim)
    assert simulated == total(ThreadRuntime())
    assert simulated == ({"processed": 20, "failed": 40, "retried": 30}, 10)


def test_a_crash_made_elsewhere_settles_nothing_either() -> None:
    """A handler that raises a ready-made WorkerCrash has not succeeded: the lease runs out, the
    retry is charged.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim)
        processor = MessageProcessor(queue)
        ready_made = WorkerCrash()
        attempts: list[int] = []

        def handler(message: Message) -> None:
            attempts.append(message.retry_count)
            if message.attempt == 1:
                raise ready_made

        processor.register_processor("default", handler)
        queue.send(Message())
        processor.start_workers(1)
        sim.run()
        assert attempts == [0, 1]
        assert (sim.now, processor.metrics["processed"]) == (10, 1)


def test_closing_freezes_the_trace_before_tasks_are_unwound() -> None:
    """What a finally block still does to the queue changes neither the records nor the books."""
    trace = Trace()
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        queue.send(Message())

        def careless() -> None:
            delivery = queue.receive()
            assert delivery is not None
            try:
                sim.sleep(100)
            finally:
                queue.ack(delivery)

        sim.spawn(careless)
        sim.run(until=1)
    assert queue.get_in_flight_count() == 0
    assert [record.event for record in trace.records] == ["sent", "received"]
    assert trace.balance().in_flight == 1
