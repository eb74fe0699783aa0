"""Batches: by size or by time, settled message by message, never losing what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mqlearn import (
    BatchMessageProcessor,
    InMemoryMessageQueue,
    Message,
    Outcome,
    Release,
    Simulation,
    Trace,
    WorkerCrash,
)


class Shop:
    """A queue with a trace and a batch processor; what its handler was given, and when (s)."""

    def __init__(
        self,
        sim: Simulation,
        size: int = 10,
        timeout: float = 5.0,
        *,
        lease: float | None = 30.0,
        **options: Any,
    ) -> None:
        self.sim, self.trace = sim, Trace()
        self.queue = InMemoryMessageQueue(visibility_timeout=lease, runtime=sim, trace=self.trace)
        self.processor = BatchMessageProcessor(self.queue, size, timeout, **options)
        self.batches: list[tuple[float, list[str]]] = []

    def start(
        self,
        answer: Callable[[list[Message]], Any] = lambda batch: [True] * len(batch),
        *,
        takes: float = 0.0,
        workers: int = 1,
    ) -> None:
        def handler(batch: list[Message]) -> Any:
            self.batches.append((self.sim.now, [message.id for message in batch]))
            self.sim.sleep(takes)
            return answer(batch)

        self.processor.start_batch_processing(handler, num_workers=workers)

    def send(self, *names: str, after: float = 0.0, **fields: Any) -> None:
        for name in names:
            self.queue.send(Message(id=name, **fields), delay=after)

    def dead(self) -> dict[str, str]:
        """Why each dead letter failed last."""
        return {
            letter.id: letter.headers.get("dead_letter_error", letter.headers["dead_letter_reason"])
            for letter in self.queue.get_dead_letter_messages()
        }


def test_a_batch_goes_when_it_is_full_or_its_first_message_has_waited() -> None:
    """Three of three at once; two wait five seconds from the first of them, however long the line
    was idle.
    """
    with Simulation() as sim:
        shop = Shop(sim, 3, 5.0)
        shop.start()
        shop.send("a", "b", "c")
        shop.send("d", after=100)
        shop.send("e", after=104)
        shop.send("f", after=106)
        sim.run()
        assert shop.batches == [(0, ["a", "b", "c"]), (105, ["d", "e"]), (111, ["f"])]
        assert [record.detail for record in shop.trace.records if record.event == "batched"] == [
            3,
            2,
            1,
        ]
        assert shop.processor.metrics == {"processed": 6, "failed": 0, "retried": 0}


def test_what_comes_while_a_batch_waits_fills_it() -> None:
    """The third message completes the batch the moment it comes, before the time is over."""
    with Simulation() as sim:
        shop = Shop(sim, 3, 60.0)
        shop.start()
        for number in range(3):
            shop.send(f"{number}", after=2.0 * number + 1)
        sim.run()
        assert (shop.batches, sim.now) == ([(5, ["0", "1", "2"])], 5)


def test_no_waiting_at_all_takes_what_is_there() -> None:
    """With a batch_timeout of 0 a batch is what waits at that instant."""
    with Simulation() as sim:
        shop = Shop(sim, 10, 0)
        shop.send("a", "b")
        shop.start(takes=1.0)
        shop.send("c", "d", after=0.5)
        sim.run()
        assert shop.batches == [(0, ["a", "b"]), (1, ["c", "d"])]


def test_each_message_is_settled_by_its_own_result() -> None:
    """True is acked, false and None are charged, an Outcome is done as it says; only the failures
    come again.
    """
    with Simulation() as sim:
        shop = Shop(sim, 5, 1.0)
        first: list[Any] = [
            True,
            False,
            None,
            Outcome("rejected", "no such order"),
            Outcome("released"),
        ]
        shop.send("good", "false", "none", "bad", "later")
        shop.start(lambda batch: first if len(batch) == 5 else [True] * len(batch))
        sim.run()
        assert shop.batches == [
            (0, ["good", "false", "none", "bad", "later"]),
            (1, ["false", "none", "later"]),
        ]
        assert (shop.dead(), shop.processor.metrics) == (
            {"bad": "no such order"},
            {"processed": 4, "failed": 3, "retried": 2},
        )
        ended = {
            record.message_id: record.detail
            for record in shop.trace.records
            if record.event == "finished" and record.time == 0
        }
        assert ended == {
            "good": "completed",
            "false": "failed: the result was False",
            "none": "failed: the result was None",
            "bad": "rejected: no such order",
            "later": "released",
        }


@pytest.mark.parametrize(("on_failure", "handled"), [("failures", 10 + 3), ("all", 10 * 4)])
def test_one_bad_record_costs_its_own_retries_or_the_whole_batchs(
    on_failure: str, handled: int
) -> None:
    """Redelivering only the failure handles the nine good orders once; redelivering all, four
    times, and kills them.
    """
    with Simulation() as sim:
        shop = Shop(sim, 10, 1.0, on_failure=on_failure)
        shop.send(*(f"order-{number}" for number in range(9)), "bad")
        shop.start(lambda batch: [message.id != "bad" for message in batch])
        sim.run()
        assert sum(len(names) for _, names in shop.batches) == handled
        good = {"order-0": "another message of the batch failed"} if on_failure == "all" else {}
        assert shop.dead().keys() == {"bad", *good, *(f"order-{n}" for n in range(9) if good)}
        assert good.items() <= shop.dead().items()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda batch: [True], "the handler returned 1 results for 3 messages"),
        (lambda batch: [True] * 4, "the handler returned 4 results for 3 messages"),
        (lambda batch: [], "the handler returned 0 results for 3 messages"),
        (lambda batch: None, "the handler returned None instead of a list of 3 results"),
        (lambda batch: True, "the handler returned True instead of a list of 3 results"),
        (lambda batch: "yes", "the handler returned 'yes' instead of a list of 3 results"),
        (
            lambda batch: {"a": 1, "b": 2, "c": 3},
            "the handler returned {'a': 1, 'b': 2, 'c': 3} instead of a list",
        ),
        (lambda batch: 1 / 0, "division by zero"),
    ],
)
def test_an_answer_that_cannot_be_matched_acks_nothing_and_says_so(
    answer: Callable[[Any], Any], said: str
) -> None:
    """A list too short or too long, no list, an exception: all are charged, and the reason is the
    true one.
    """
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)
        shop.send("a", "b", "c", max_retries=0)
        shop.start(answer)
        sim.run()
        assert shop.dead().keys() == {"a", "b", "c"}
        assert all(reason.startswith(said) for reason in shop.dead().values())
        assert shop.processor.metrics == {"processed": 0, "failed": 3, "retried": 0}


def test_release_gives_the_whole_batch_back_unspent() -> None:
    """Not now: all three come again after the delay, nothing charged."""
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)

        def answer(batch: list[Message]) -> list[bool]:
            if batch[0].attempt == 1:
                raise Release(20)
            return [True] * 3

        shop.send("a", "b", "c", max_retries=0)
        shop.start(answer)
        sim.run()
        assert [time for time, _ in shop.batches] == [0, 20]
        assert shop.processor.metrics == {"processed": 3, "failed": 0, "retried": 0}


def halving(batch: list[Message], call: Callable[[list[Message]], Sequence[Any]]) -> list[Any]:
    """What a student may write: the batch is known to fail; call each half, and so on down to the
    culprit.
    """
    if len(batch) == 1:
        return [Outcome("rejected", "bad record")]
    results: list[Any] = []
    for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
        try:
            results += call(half)
        except ValueError:
            results += halving(half, call)
    return results


@pytest.mark.parametrize(("count", "calls"), [(16, 9), (128, 15)])
def test_a_failed_call_can_be_bisected(count: int, calls: int) -> None:
    """on_failure as a function finds one bad record of n in 2·log2(n) + 1 calls: the others are
    done, once.
    """
    with Simulation() as sim:
        shop = Shop(sim, count, 1.0, on_failure=halving)

        def answer(batch: list[Message]) -> list[bool]:
            if any(message.id == "bad" for message in batch):
                raise ValueError("one of them is bad")
            return [True] * len(batch)

        shop.send(*(f"order-{number}" for number in range(count - 1)), "bad")
        shop.start(answer)
        sim.run()
        assert len(shop.batches) == calls
        assert (shop.dead(), shop.processor.metrics["processed"]) == (
            {"bad": "bad record"},
            count - 1,
        )


@pytest.mark.parametrize(("on_stop", "batches"), [("flush", [(3, ["a", "b"])]), ("return", [])])
def test_a_stopped_batch_is_flushed_or_returned(
    on_stop: str, batches: list[tuple[float, list[str]]]
) -> None:
    """Stopped while it waits for more, nothing stays in flight: handled at once, or given back
    unspent.
    """
    with Simulation() as sim:
        shop = Shop(sim, 10, 60.0, lease=None, on_stop=on_stop)
        shop.send("a", "b")
        shop.start()
        sim.run(until=3)
        shop.processor.stop()
        assert (sim.now, shop.batches, shop.processor.running) == (3, batches, False)
        books = shop.trace.balance()
        assert (books.in_flight, books.waiting, books.completed) == (
            (0, 0, 2) if batches else (0, 2, 0)
        )
        shop.processor.start_batch_processing(lambda batch: [True] * len(batch))
        sim.run()
        assert shop.trace.balance().completed == 2
        assert shop.processor.metrics["failed"] == 0


def test_a_batch_that_takes_longer_to_fill_than_a_lease_keeps_what_it_has() -> None:
    """A minute of waiting under leases of four seconds: renewed at half time, each message handled
    once.
    """
    with Simulation() as sim:
        shop = Shop(sim, 100, 60.0, lease=4.0)
        for number in range(60):
            shop.send(f"order-{number}", after=float(number) + 0.25)
        shop.start(takes=1.9)  # less than the half lease that is left at least
        sim.run()
        assert [(time, len(names)) for time, names in shop.batches] == [(60.25, 60)]
        assert (shop.trace.balance().completed, shop.processor.metrics["failed"]) == (60, 0)
        assert not any(record.event in ("lease_lost", "stale") for record in shop.trace.records)


def test_a_message_whose_lease_was_lost_meanwhile_leaves_the_batch() -> None:
    """Settled by somebody else while the batch waits: it is not handled here."""
    with Simulation() as sim:
        shop = Shop(sim, 10, 20.0, lease=8.0)
        shop.send("mine", "theirs")
        shop.start()
        sim.run(until=1)
        shop.queue.ack("theirs")
        sim.run()
        assert shop.batches == [(20, ["mine"])]


def test_a_crash_settles_nothing_and_the_leases_bring_the_batch_back() -> None:
    """Swallowed by the handler or not, the worker is dead: every message is charged once, and
    handled again.
    """
    for swallowed in (True, False):
        with Simulation() as sim:
            shop = Shop(sim, 3, 1.0, lease=10.0)

            def answer(batch: list[Message], swallowed: bool = swallowed) -> list[bool]:
                if batch[0].attempt == 1:
                    try:
                        raise WorkerCrash
                    except WorkerCrash:
                        if not swallowed:
                            raise
                return [True] * len(batch)

            shop.send("a", "b", "c")
            shop.start(answer)
            sim.run()
            assert shop.batches == [(0, ["a", "b", "c"]), (10, ["a", "b", "c"])]
            assert [record.detail for record in shop.trace.records if record.event == "finished"][
                :3
            ] == ["crashed"] * 3
            assert shop.trace.balance().completed == 3


def test_several_workers_share_the_line_and_a_second_start_is_refused() -> None:
    """Two batches at once; whoever starts again is told to stop first, and the handler stays."""
    with Simulation() as sim:
        shop = Shop(sim, 2, 1.0)
        shop.send("a", "b", "c", "d")
        shop.start(takes=1.0, workers=2)
        with pytest.raises(RuntimeError, match="running already"):
            shop.processor.start_batch_processing(lambda batch: [])
        sim.run()
        assert shop.batches == [(0, ["a", "b"]), (0, ["c", "d"])]
        assert [worker.name for worker in shop.processor.workers] == ["worker-0", "worker-1"]


def test_a_handler_may_do_with_its_list_what_it_likes() -> None:
    """It is its own: emptying it loses nothing."""
    with Simulation() as sim:
        shop = Shop(sim, 2, 1.0)
        shop.send("a", "b")
        shop.start(lambda batch: [bool(batch.pop()) for _ in range(2)])
        sim.run()
        assert shop.trace.balance().completed == 2
