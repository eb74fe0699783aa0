"""An idempotent handler whose handler, key or queue does anything: how often the effect is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn import (
    IdempotentHandler,
    InMemoryMessageQueue,
    Message,
    Outcome,
    Reject,
    Release,
    Simulation,
)
from mqlearn.messaging import idempotency
from tests.house.world import Plain
from tests.messaging.hostile import FAILURES, MANGLINGS, raises, returns
from tests.messaging.once import Shop, order_of

UNREADABLE = ("an array", "a frame", "no truth", "a truth that exits")


def reasons(shop: Shop) -> dict[str, str]:
    """Why each dead letter failed last."""
    return {
        letter.id: letter.headers.get("dead_letter_error", letter.headers["dead_letter_reason"])
        for letter in shop.queue.get_dead_letter_messages()
    }


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_result_that_cannot_be_read_is_a_failure_and_repeats_no_effect(name: str) -> None:
    """Four tries fail for that reason, the card is charged once, and a duplicate fares alike."""
    result, reason = FAILURES[name]
    with Simulation() as sim:
        shop = Shop(sim, workers=1, after=result)
        shop.send("first", "again")
        shop.run()
        assert shop.ledger.counts() == {"order-1": 1}
        assert reasons(shop) == {"first": reason, "again": reason}
        assert shop.processor.counts == {"processed": 0, "failed": 8, "retried": 6}
        assert shop.handler.counts == {"worked": 1, "answered": 7, "put_off": 0}


@pytest.mark.parametrize("name", [name for name in FAILURES if name not in UNREADABLE])
def test_a_failure_of_any_kind_ends_the_claim(name: str) -> None:
    """The duplicate does the work at once: nothing of the failure is stored."""
    with Simulation() as sim:
        shop = Shop(sim, workers=1)
        fails, done = FAILURES[name][0], shop.after
        shop.handler.handler = lambda m: fails(m) if m.id == "first" else done(m)
        shop.send("first", "again", max_retries=0)
        events = shop.run()
        assert events == [(0.0, "dead", "first"), (0.0, "acked", "again")]
        assert shop.handler.counts == {"worked": 1, "answered": 0, "put_off": 0}


@pytest.mark.parametrize(
    ("answer", "events"),
    [
        (Outcome(), [(0.0, "acked", "first"), (0.0, "acked", "again")]),
        (Outcome("failed", "x"), [(0.0, "dead", "first"), (0.0, "dead", "again")]),
        (Outcome("rejected", "x"), [(0.0, "dead", "first"), (0.0, "dead", "again")]),
        (Reject("x"), [(0.0, "dead", "first"), (0.0, "dead", "again")]),
    ],
)
def test_an_outcome_means_the_same_behind_an_idempotent_handler(
    answer: Any, events: list[tuple[float, str, str]]
) -> None:
    """Only a completed one is stored; for the others the duplicate calls the handler again."""
    with Simulation() as sim:
        shop, calls = Shop(sim, workers=1), []
        shop.handler.handler = lambda message: calls.append(message.id) or answer
        shop.send("first", "again", max_retries=0)
        assert shop.run() == events
        assert calls == (["first"] if events[0][1] == "acked" else ["first", "again"])


def test_a_released_work_is_done_later() -> None:
    """A Release that is returned stores nothing: the message comes again two seconds later."""
    answers = iter([Release(2), Outcome("released", delay=2), "charged"])
    with Simulation() as sim:
        shop = Shop(sim, workers=1)
        shop.handler.handler = lambda message: next(answers)
        shop.send("first")
        assert shop.run() == [
            (0.0, "postponed", "first"),
            (2.0, "postponed", "first"),
            (4.0, "acked", "first"),
        ]
        assert shop.handler.counts["worked"] == 1


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (lambda message: message.body["shop"], "KeyError: 'shop'"),
        (lambda message: 5, "key must be str, got 5"),
        (lambda message: None, "key must be str, got None"),
        (lambda message: pd.Series(["x"]), "key must be str, got "),
        (raises(SystemExit(3)), "SystemExit: 3"),
        (raises(asyncio.CancelledError), "CancelledError"),
    ],
)
def test_a_key_that_cannot_be_had_is_a_failure_of_its_message(
    key: Callable[[Message], Any], reason: str
) -> None:
    """Nothing is claimed, the handler is not called, and the worker goes on."""
    with Simulation() as sim:
        shop = Shop(sim, workers=1, key=lambda m: key(m) if m.id == "bad" else order_of(m))
        shop.send("bad", "good", max_retries=0)
        shop.run()
        assert reasons(shop)["bad"].startswith(reason)
        assert shop.ledger.counts() == {"order-1": 1}
        assert shop.handler._claims == {}


@pytest.mark.parametrize("name", MANGLINGS)
def test_a_claim_is_that_of_the_delivery_whatever_becomes_of_its_message(name: str) -> None:
    """The message is spoiled by `key` before the claim or by the handler after: the duplicate waits
    all the same, and is answered.
    """
    for spoils_first in (True, False):
        with Simulation() as sim:

            def key(message: Message, spoils_first: bool = spoils_first) -> str:
                order = order_of(message)
                if spoils_first:
                    MANGLINGS[name](message)
                return order

            def work(message: Message, spoils_first: bool = spoils_first) -> str:
                sim.sleep(4.0)
                if not spoils_first:
                    MANGLINGS[name](message)
                return "charged"

            shop = Shop(sim, workers=2, key=key, delay=3.0)
            shop.handler.handler = work
            shop.send("first", "again")
            assert shop.run() == [
                (0.0, "postponed", "again"),
                (3.0, "postponed", "again"),
                (4.0, "acked", "first"),
                (6.0, "acked", "again"),
            ]
            assert shop.handler.counts == {"worked": 1, "answered": 1, "put_off": 2}


def test_an_interrupt_leaves_the_claim_to_its_lease() -> None:
    """Interrupted in the cell, the delivery is still in flight: the duplicate is put off until the
    lease is over, and then does the work.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, visibility_timeout=10)
        handler = IdempotentHandler(raises(KeyboardInterrupt), queue, key=lambda message: "x")
        queue.send(Message(id="first", max_retries=0))
        with pytest.raises(KeyboardInterrupt):
            handler(queue.receive(0) or Message())
        handler.handler = returns(lambda: "charged")
        queue.send(Message(id="again"))
        again = queue.receive(0) or Message()
        with pytest.raises(Release):
            handler(again)
        sim.sleep(10)
        assert handler(again) == "charged"


class CannotSay(Plain):
    """A queue that fails when it is asked which delivery is current."""

    def is_current(self, delivery: Message) -> bool | None:
        raise OSError("no connection")


def test_a_queue_that_fails_to_say_who_is_current_is_one_that_cannot_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The claim then holds for half a minute; other messages do not suffer, and `run()` raises the
    queue's error.
    """
    monkeypatch.setattr(idempotency, "SPARE_CLAIMS", 0)
    with Simulation() as sim:
        queue = CannotSay()
        queue._runtime = sim
        handler = IdempotentHandler(raises(KeyboardInterrupt), queue, key=order_of)
        with pytest.raises(KeyboardInterrupt):
            handler(Message(body={"order": "a"}))
        handler.handler = returns(lambda: "charged")
        with pytest.raises(Release):
            handler(Message(body={"order": "a"}))
        assert handler(Message(body={"order": "b"})) == "charged"
        sim.sleep(30)
        assert handler(Message(body={"order": "a"})) == "charged"
        with pytest.raises(OSError, match="no connection"):
            sim.run()


def test_times_may_be_numbers_of_numpy() -> None:
    """The clock keeps Python's own numbers."""
    with Simulation() as sim:
        handler = IdempotentHandler(
            print,
            InMemoryMessageQueue(runtime=sim),
            key=order_of,
            window=np.float32(10),
            delay=np.int64(2),
        )
        assert (type(handler.window), type(handler.delay)) == (float, int)


def test_what_can_never_work_is_refused() -> None:
    """A handler or a key that is a coroutine function makes only coroutines."""

    async def handles(message: Message) -> str:
        return "x"

    queue = Plain()
    for arguments in ({"handler": handles, "key": order_of}, {"handler": print, "key": handles}):
        with pytest.raises(TypeError, match="must be a plain function"):
            IdempotentHandler(queue=queue, **arguments)
