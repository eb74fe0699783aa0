"""Closing a requester, and answers that are none."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from mqlearn import (
    Message,
    MessageProcessor,
    Outcome,
    Reject,
    Release,
    Requester,
    Simulation,
    ThreadRuntime,
    TopicBasedMessageBroker,
    Trace,
    replying,
)

DEADLINE = 30.0  # seconds after which a test on real threads has failed


def desk(
    sim: Simulation, answer: Callable[[Message], Any], max_retries: int = 1
) -> tuple[TopicBasedMessageBroker, Requester, Message]:
    """A broker whose subscriber to `price` answers so, a requester, and a question."""
    broker = TopicBasedMessageBroker(runtime=sim, trace=Trace())
    broker.subscribe("price", replying(broker, answer), name="desk")
    return broker, Requester(broker, "prices"), Message(id="q", max_retries=max_retries)


async def work() -> dict[str, int]:
    """A coroutine function."""
    return {}


NO_ANSWER: dict[str, tuple[Callable[[Message], Any], str]] = {
    "None": (lambda message: None, "answer must return a dict, got None"),
    "text": (lambda message: "12", "answer must return a dict, got '12'"),
    "pairs": (lambda message: [("price", 12)], "answer must return a dict, got [('price', 12)]"),
    "false": (lambda message: False, "answer returned False"),
    "coroutine": (lambda message: work(), "answer returned a coroutine: nothing of it has run"),
    "generator": (
        lambda message: (each for each in "ab"),
        "answer returned a generator: nothing of it has run",
    ),
    "exception": (lambda message: OSError("503"), "503"),
    "outcome": (lambda message: Outcome("failed", "503"), "503"),
    "completed": (lambda message: Outcome(), "answer must return a dict, got Outcome("),
}


@pytest.mark.parametrize("name", NO_ANSWER)
def test_what_is_no_dict_is_a_failure_and_no_reply(sim: Simulation, name: str) -> None:
    """The question fails with the reason, the asker waits till its timeout, nothing was sent."""
    answer, reason = NO_ANSWER[name]
    broker, requester, question = desk(sim, answer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a coroutine that was never awaited would warn
        assert requester.ask("price", question, timeout=5) is None
    (letter,) = broker.subscribers["price"][0].queue.get_dead_letter_messages()
    assert letter.headers["dead_letter_error"].startswith(reason)
    assert (letter.retry_count, requester.late) == (2, 0)
    assert broker.trace is not None and broker.trace.balance("prices").accepted == 0


def test_a_frame_as_an_answer_is_a_failure(sim: Simulation) -> None:
    """It is neither true nor false, and no dict."""
    result = pytest.importorskip("pandas").DataFrame({"price": [1, 2]})
    broker, requester, question = desk(sim, lambda message: result)
    assert requester.ask("price", question, timeout=5) is None
    (letter,) = broker.subscribers["price"][0].queue.get_dead_letter_messages()
    assert "neither true nor false" in letter.headers["dead_letter_error"]


@pytest.mark.parametrize("how", ["raised", "returned", "outcome"])
def test_an_answer_may_reject_or_put_off_its_question(sim: Simulation, how: str) -> None:
    """As a handler may: rejected it is dead at once, released it is answered later."""

    def answer(message: Message) -> Any:
        if message.body.get("poison"):
            wrong: Any = Reject("no such flight")
        elif message.attempt == 1:
            wrong = Release(3)
        else:
            return {"price": 12}
        if how == "raised":
            raise wrong
        if how == "returned":
            return wrong
        kind = "rejected" if isinstance(wrong, Reject) else "released"
        return Outcome(kind, getattr(wrong, "reason", ""), getattr(wrong, "delay", 0.0))

    broker, requester, question = desk(sim, answer)
    reply = requester.ask("price", question, timeout=5)
    assert reply is not None and (reply.body, sim.now) == ({"price": 12}, 3)
    assert requester.ask("price", Message(body={"poison": True}), timeout=5) is None
    (letter,) = broker.subscribers["price"][0].queue.get_dead_letter_messages()
    assert letter.headers["dead_letter_reason"] == "no such flight"


def test_an_address_that_is_no_topic_is_rejected_before_the_work(sim: Simulation) -> None:
    """A wildcard can never be published to: no retry, and the answer is not worked out."""
    worked: list[str] = []
    broker, _, _ = desk(sim, lambda message: worked.append(message.id) or {})  # type: ignore[func-returns-value]
    broker.publish("price", Message(headers={"reply_to": "prices.*"}))
    sim.run()
    (letter,) = broker.subscribers["price"][0].queue.get_dead_letter_messages()
    assert (worked, letter.headers["dead_letter_reason"]) == (
        [],
        "no address to reply to: reply_to must be a topic, without *, got 'prices.*'",
    )


def test_closing_lets_go_all_who_ask(sim: Simulation) -> None:
    """Three that wait, two of them forever, get None at that instant; later questions are
    refused.
    """
    broker, requester, question = desk(sim, lambda message: sim.sleep(100) or {})
    got = []
    for name, timeout in (("a", None), ("b", 50.0), ("c", None)):
        sim.spawn(
            lambda name=name, timeout=timeout: got.append(
                (requester.ask("price", Message(id=name), timeout=timeout), sim.now)
            )
        )
    sim.call_at(7, requester.close)
    sim.run(until=8)
    assert got == [(None, 7.0)] * 3
    with pytest.raises(RuntimeError, match="this requester is closed"):
        requester.ask("price", question)
    requester.close()
    assert "prices" not in broker.subscribers
    assert broker.get_topic_stats("price")["subscriptions"][0]["queue_size"] == 2


def test_an_answer_that_is_there_already_is_handed_out_though_it_closes(sim: Simulation) -> None:
    """What came before the close is not thrown away."""
    broker, requester, question = desk(sim, lambda message: {"price": 12})
    arrive = requester._receive_reply

    def arrive_and_close(reply: Message) -> None:
        arrive(reply)
        requester.close()

    broker.unsubscribe("prices", name="prices")
    broker.subscribe("prices", arrive_and_close)
    answer = requester.ask("price", question)
    assert answer is not None and answer.body == {"price": 12}


def test_a_requester_in_a_with_block_is_closed_at_its_end(sim: Simulation) -> None:
    """Also by an exception; another on the same topic goes on."""
    broker, other, question = desk(sim, lambda message: {"price": 12})
    with suppress(OSError), Requester(broker, "prices") as requester:
        assert requester.ask("price", question) is not None
        raise OSError("down")
    with pytest.raises(RuntimeError, match="closed"):
        requester.ask("price", question)
    assert other.ask("price", question) is not None
    assert broker.get_topic_stats("prices")["subscriber_count"] == 1


def test_a_question_that_waits_for_room_ends_with_none_once_closed(sim: Simulation) -> None:
    """It was blocked by a full queue while the requester was closed."""
    broker = TopicBasedMessageBroker(runtime=sim)
    broker.create_topic("price", max_size=1, on_full="block")
    broker.publish("price", Message())
    requester, got = Requester(broker, "prices"), []
    sim.spawn(lambda: got.append((requester.ask("price", Message(), timeout=1), sim.now)))
    sim.call_at(5, requester.close)
    sim.call_at(6, broker.topics["price"].purge)
    sim.run()
    assert got == [(None, 6)]


def test_on_threads_closing_ends_the_wait() -> None:
    """A real thread that asks without a timeout gets None."""
    runtime, asked, got = ThreadRuntime(), threading.Event(), []
    broker = TopicBasedMessageBroker(runtime=runtime)
    broker.create_topic("price")
    worker = MessageProcessor(broker.topics["price"])
    worker.register_processor("default", lambda message: asked.set())
    worker.start_workers(1)
    requester = Requester(broker, "prices")
    task = runtime.spawn(lambda: got.append(requester.ask("price", Message())))
    assert asked.wait(DEADLINE)
    requester.close()
    task.join(DEADLINE)
    assert not task.is_alive() and got == [None]
    worker.stop_workers()


def test_a_number_of_a_table_is_a_timeout(sim: Simulation) -> None:
    """Seconds of numpy leave the clock a Python float."""
    np = pytest.importorskip("numpy")
    _, requester, question = desk(sim, lambda message: False)
    assert requester.ask("price", question, timeout=np.float32(2.5)) is None
    assert (sim.now, type(sim.now)) == (2.5, float)
