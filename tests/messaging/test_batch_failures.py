"""What a batch handler returns or does, read message by message, and what its queue does to it."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn import Message, Outcome, Reject, Release, Simulation
from tests.messaging.hostile import FAILURES, MANGLINGS
from tests.messaging.test_batch import Shop

ENDS = ("acked", "nacked", "dead", "postponed")


@pytest.mark.parametrize("name", FAILURES)
def test_whatever_the_handler_of_a_batch_does_is_a_failure_of_its_messages(name: str) -> None:
    """All three are dead for that reason, or since it is no list; the same worker goes on."""
    handler, reason = FAILURES[name]
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)
        shop.send("a", "b", "c", max_retries=0)
        shop.send("d", after=10)
        shop.start(lambda batch: handler(batch[0]) if len(batch) == 3 else [True])
        sim.run()
        dead = shop.dead()
        assert dead.keys() == {"a", "b", "c"}
        assert len(set(dead.values())) == 1
        if "the handler returned" in reason and "nothing of it" not in reason:
            reason = "the handler returned "
        assert dead["a"].startswith(reason)
        assert shop.processor.metrics == {"processed": 1, "failed": 3, "retried": 0}


@pytest.mark.parametrize("name", [name for name in FAILURES if "returned" in FAILURES[name][1]])
def test_one_result_of_a_batch_may_be_anything(name: str) -> None:
    """It is a failure of its own message alone, with the reason that a single message would get."""
    handler, reason = FAILURES[name]
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)
        shop.send("a", "b", "c", max_retries=0)
        shop.start(lambda batch: [True, handler(batch[1]), "done"])
        sim.run()
        assert shop.dead() == {"b": reason.replace("the handler returned", "the result was")}


@pytest.mark.parametrize(
    "results",
    [
        (True, False, True),
        np.array([True, False, True]),
        np.array(["done", None, "done"], dtype=object),
        np.array([1, 0, 1]),
        pd.Series([True, False, True], index=["x", "y", "z"]),
        pd.Series([True, None, True]),
        pd.Series([1.0, np.nan, 1.0]),
        pd.Series([True, pd.NA, True], dtype="boolean"),
        [Outcome(), Outcome("failed", "no answer"), np.bool_(True)],
        [True, OSError("no answer"), True],
    ],
    ids=lambda results: f"{type(results).__name__} of {getattr(results, 'dtype', 'objects')}",
)
def test_any_line_of_results_is_read_one_by_one(results: Any) -> None:
    """A tuple, an array, a Series: the second message fails, the others are done."""
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)
        shop.send("a", "b", "c", max_retries=0)
        shop.start(lambda batch: results)
        sim.run()
        assert shop.dead().keys() == {"b"}
        assert shop.processor.metrics == {"processed": 2, "failed": 1, "retried": 0}


class Liar(list[bool]):
    """A list whose length is not the number of its elements."""

    def __len__(self) -> int:
        return 3


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (pd.DataFrame({"a": [1], "b": [1], "c": [1]}).T, "the handler returned    0\na  1"),
        (np.ones((3, 3)), "the handler returned array([[1., 1., 1.]"),
        (np.array(True), "the handler returned array(True) instead of a list"),
        ({"a", "b", "c"}, "the handler returned {'"),
        (bytearray(b"abc"), "the handler returned bytearray(b'abc') instead of a list"),
        ((True for _ in range(3)), "the handler returned a generator: nothing of it has run"),
        (Liar([True]), "the handler returned 1 results for 3 messages"),
        (pd.Series([True]), "the handler returned 1 results for 3 messages"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_line_of_three_results_acks_nothing(results: Any, reason: str) -> None:
    """A DataFrame of three columns and three rows is not three results, nor is a generator."""
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)
        shop.send("a", "b", "c", max_retries=0)
        shop.start(lambda batch: results)
        sim.run()
        assert shop.dead().keys() == {"a", "b", "c"}
        assert all(each.startswith(reason) for each in shop.dead().values())


@pytest.mark.parametrize(
    ("answer", "events"),
    [
        (Outcome(), {"acked": 3}),
        (Outcome("failed", "x"), {"nacked": 3, "acked": 3}),
        (Outcome("rejected", "x"), {"dead": 3}),
        (Outcome("released", delay=2), {"postponed": 3, "acked": 3}),
        (Release(2), {"postponed": 3, "acked": 3}),
        (Reject("x"), {"nacked": 3, "acked": 3}),
    ],
)
def test_one_outcome_in_place_of_the_list_is_that_of_all(
    answer: Any, events: dict[str, int]
) -> None:
    """A rejection that names no message is a failure: all but one may be good."""
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0)
        shop.send("a", "b", "c")
        shop.start(lambda batch: answer if batch[0].attempt == 1 else [True] * len(batch))
        sim.run()
        ends = Counter(record.event for record in shop.trace.records)
        assert {event: count for event, count in ends.items() if event in ENDS} == events


@pytest.mark.parametrize("name", FAILURES)
def test_on_failure_as_a_function_may_do_anything_too(name: str) -> None:
    """It hears of every exception, also of one that is no `Exception`; what it does is read as what
    the handler does.
    """
    handler, reason = FAILURES[name]
    with Simulation() as sim:
        shop = Shop(sim, 3, 1.0, on_failure=lambda batch, call: handler(batch[0]))
        shop.send("a", "b", "c", max_retries=0)
        shop.start(lambda batch: sys.exit(3))
        sim.run()
        dead = shop.dead()
        assert (dead.keys(), len(set(dead.values()))) == ({"a", "b", "c"}, 1)
        assert dead["a"][:15] == reason[:15]


@pytest.mark.parametrize("name", MANGLINGS)
def test_a_batch_is_settled_as_it_was_delivered(name: str) -> None:
    """Nothing that a handler does to a message of its list changes which deliveries are acked, or
    what `on_failure` gets.
    """
    with Simulation() as sim:
        shop = Shop(sim, 2, 1.0, on_failure=lambda batch, call: [m.id for m in batch])
        shop.send("a", "b")

        def answer(batch: list[Message]) -> Any:
            for message in batch:
                MANGLINGS[name](message)
            raise ValueError("spoiled")

        shop.start(answer)
        sim.run()
        assert shop.batches == [(0, ["a", "b"])]
        assert shop.processor.metrics == {"processed": 2, "failed": 0, "retried": 0}


def test_a_queue_whose_extend_fails_loses_no_batch() -> None:
    """A lease that cannot be renewed is another worker's soon: the message is handled once, later,
    and `run()` raises the error.
    """
    with Simulation() as sim:
        shop = Shop(sim, 10, 20.0, lease=8.0)
        extend, calls = shop.queue.extend, list[str]()

        def fails_once(delivery: Message, seconds: float) -> bool:
            calls.append(delivery.id)
            if len(calls) == 1:
                raise OSError("no connection")
            return extend(delivery, seconds)

        shop.queue.extend = fails_once  # type: ignore[method-assign, assignment] # as a subclass would
        shop.send("a", "b")
        shop.start()
        with pytest.raises(OSError, match="no connection"):
            sim.run()
        assert sorted(name for _, names in shop.batches for name in names) == ["a", "b"]
        assert shop.trace.balance().completed == 2


def test_a_batch_ends_early_where_leases_cannot_be_renewed() -> None:
    """Half of the lease is left for the work: with 8 s, a batch ends after 4 s, not 20."""
    with Simulation() as sim:
        shop = Shop(sim, 10, 20.0, lease=8.0)
        shop.queue.renewable = False
        shop.send("a", "b")
        shop.send("c", after=6.0)
        shop.start(takes=3.9)
        sim.run()
        assert shop.batches == [(4, ["a", "b"]), (11.9, ["c"])]
        assert not any(record.event in ("lease_lost", "stale") for record in shop.trace.records)


def test_what_was_collected_goes_back_if_the_queue_fails() -> None:
    """Without a lease nothing else would ever return it: the worker dies, and its batch waits
    again.
    """
    with Simulation() as sim:
        shop = Shop(sim, 10, 5.0, lease=None)
        many = shop.queue.receive_many

        def fails(n: int, timeout: float | None = None) -> list[Message]:
            raise OSError("no connection")

        shop.queue.receive_many = fails  # type: ignore[method-assign] # as a subclass would
        shop.send("a")
        shop.start()
        with pytest.raises(OSError, match="no connection"):
            sim.run()
        assert (shop.trace.balance().waiting, shop.processor.running) == (1, False)
        shop.queue.receive_many = many  # type: ignore[method-assign] # it works again
        shop.start()
        sim.run()
        assert shop.trace.balance().completed == 1


def test_a_stop_that_takes_too_long_says_who_still_works() -> None:
    """`stop(timeout)` raises TimeoutError after that time; the batch is settled when it is done."""
    with Simulation() as sim:
        shop = Shop(sim, 2, 1.0)
        shop.send("a", "b")
        shop.start(takes=10.0)
        sim.run(until=1)
        with pytest.raises(TimeoutError, match="still working after 2 s: worker-0"):
            shop.processor.stop(timeout=2)
        assert sim.now == 3
        shop.processor.stop()
        assert (sim.now, shop.processor.metrics["processed"]) == (10, 2)
