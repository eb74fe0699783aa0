"""Code that is handed to a broker: callbacks, their comparison, and queues with functions of their
own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import (
    DeduplicatingQueue,
    Message,
    Outcome,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    TopicBasedMessageBroker,
    Trace,
    WorkerCrash,
)
from tests.messaging.ears import Ear, publish

DEADLINE = 30.0  # seconds after which a test on real threads has failed


def raise_(error: BaseException) -> None:
    """Raise it."""
    raise error


class Oddity(Exception):
    """An exception without a text that can be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def frame() -> Any:
    """A DataFrame, which is neither true nor false."""
    return pytest.importorskip("pandas").DataFrame({"price": [1, 2]})


async def work() -> None:
    """A coroutine function."""


FAILING: dict[str, tuple[Callable[[Message], object], str]] = {
    "exits": (lambda message: raise_(SystemExit(3)), "SystemExit: 3"),
    "is cancelled": (lambda message: raise_(asyncio.CancelledError()), "CancelledError"),
    "generator exit": (lambda message: raise_(GeneratorExit()), "GeneratorExit"),
    "no text": (lambda message: raise_(Oddity()), "Oddity"),
    "an exception returned": (lambda message: OSError("503"), "503"),
    "an outcome": (lambda message: Outcome("failed", "503"), "503"),
    "a coroutine": (
        lambda message: work(),
        "the handler returned a coroutine: nothing of it has run",
    ),
    "a generator": (
        lambda message: (each for each in "ab"),
        "the handler returned a generator: nothing of it has run",
    ),
    "false": (lambda message: False, "the handler returned False"),
}


@pytest.mark.parametrize("name", FAILING)
def test_whatever_a_callback_does_is_a_failure_of_that_message(sim: Simulation, name: str) -> None:
    """With its reason; the next message is delivered, and the loop lives."""
    fails, reason = FAILING[name]
    trace, heard = Trace(), []
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)

    def callback(message: Message) -> object:
        return fails(message) if message.id == "bad" else heard.append(message.id)

    broker.subscribe("orders", callback, name="mail")
    broker.publish("orders", Message(id="bad", max_retries=1))
    publish(broker, "orders", "good")
    sim.run()
    (subscription,) = broker.subscribers["orders"]
    (letter,) = subscription.queue.get_dead_letter_messages()
    assert (letter.id, letter.headers["dead_letter_error"]) == ("bad", reason)
    assert heard == ["good"] and subscription.workers[0].is_alive()
    assert subscription.counts == {"processed": 1, "failed": 2, "retried": 1}
    assert trace.balance("mail").in_flight == 0


def test_a_frame_as_a_result_is_a_failure(sim: Simulation) -> None:
    """It is neither true nor false; the loop lives."""
    broker = TopicBasedMessageBroker(runtime=sim)
    result = frame()
    broker.subscribe("orders", lambda message: result, name="mail")
    broker.publish("orders", Message(id="bad", max_retries=0))
    sim.run()
    (subscription,) = broker.subscribers["orders"]
    (letter,) = subscription.queue.get_dead_letter_messages()
    assert "which is neither true nor false" in letter.headers["dead_letter_error"]
    assert subscription.workers[0].is_alive()


def test_a_callback_that_writes_to_its_message_settles_the_right_one(sim: Simulation) -> None:
    """Every field overwritten: the delivery is settled as what it was."""
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)

    def vandal(message: Message) -> None:
        for field in list(vars(message)):
            setattr(message, field, None)

    broker.subscribe("orders", vandal, name="mail")
    publish(broker, "orders", "m0", "m1")
    sim.run()
    assert trace.balance("mail").completed == 2


def test_an_outcome_is_honoured_in_every_kind(sim: Simulation) -> None:
    """Rejected, returned or raised, is dead at once; released waits for its delay."""
    broker, answers = TopicBasedMessageBroker(runtime=sim), {}
    told: dict[str, object] = {
        "r": Outcome("rejected", "poison"),
        "s": Reject("poison"),
        "p": Outcome("released", delay=5),
        "q": Release(5),
    }

    def callback(message: Message) -> object:
        answers.setdefault(message.id, []).append(sim.now)
        return told[message.id] if message.attempt == 1 else None

    broker.subscribe("orders", callback)
    publish(broker, "orders", *told)
    sim.run()
    assert answers == {"r": [0], "s": [0], "p": [0, 5], "q": [0, 5]}
    (subscription,) = broker.subscribers["orders"]
    letters = subscription.queue.get_dead_letter_messages()
    assert [(each.id, each.headers["dead_letter_reason"]) for each in letters] == [
        ("r", "poison"),
        ("s", "poison"),
    ]


class WrongPolicy(RetryPolicy):
    """A policy without an answer."""

    def delay(self, retry_count: int, draw: float | None = None) -> float:
        """Raise KeyError."""
        raise KeyError("tenant")


def test_a_policy_that_fails_loses_no_message_of_a_subscriber() -> None:
    """The default's backoff stands in, and run() raises what the policy raised."""
    sim, trace = Simulation(), Trace()
    broker, ear = TopicBasedMessageBroker(runtime=sim, trace=trace), Ear(sim)
    broker.subscribe("orders", lambda message: message.attempt == 2, retry=WrongPolicy(), name="x")
    broker.subscribe("orders", ear)
    publish(broker, "orders", "m0", "m1")
    with pytest.raises(KeyError, match="tenant"):
        sim.run()
    assert trace.balance("x").completed == 2 and ear.ids == ["m0", "m1"]
    sim.close()


def test_a_crash_is_the_only_death_of_a_loop_also_on_threads() -> None:
    """A real thread that exits, is cancelled and crashes hears the last message."""
    runtime, done = ThreadRuntime(), threading.Event()
    broker = TopicBasedMessageBroker(runtime=runtime)
    errors = iter([SystemExit(1), asyncio.CancelledError(), Oddity()])

    def callback(message: Message) -> None:
        if message.id == "last":
            done.set()
        else:
            raise_(next(errors))

    broker.subscribe("orders", callback)
    for _ in range(3):
        broker.publish("orders", Message(max_retries=0))
    publish(broker, "orders", "last")
    assert done.wait(DEADLINE)
    broker.unsubscribe("orders", callback)


class Incomparable(Ear):
    """A callback that cannot be compared, or says odd things when it is."""

    said: object = None

    def __eq__(self, other: object) -> bool:
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said  # type: ignore[return-value]

    __hash__ = object.__hash__


@pytest.mark.parametrize("said", [ValueError("ambiguous"), True, "frame", SystemExit()])
def test_a_subscription_is_found_whatever_a_comparison_says(sim: Simulation, said: object) -> None:
    """The callback itself is found first, behind any number that call themselves equal or
    cannot be compared.
    """
    broker = TopicBasedMessageBroker(runtime=sim)
    ears = [Incomparable(sim) for _ in range(3)]
    for ear in ears:
        ear.said = frame() if said == "frame" else said
        broker.subscribe("orders", ear)
    assert broker.unsubscribe("orders", ears[2])
    assert [id(each.callback) for each in broker.subscribers["orders"]] == [
        id(ears[0]),
        id(ears[1]),
    ]
    if said is not True:
        assert not broker.unsubscribe("orders", Ear(sim))


def test_a_bound_method_is_found_though_it_is_made_anew(sim: Simulation) -> None:
    """Equal methods of one object are one callback; those of another object are not."""
    broker, one, other = TopicBasedMessageBroker(runtime=sim), Ear(sim), Ear(sim)
    broker.subscribe("orders", one.__call__)
    assert not broker.unsubscribe("orders", other.__call__)
    assert broker.unsubscribe("orders", one.__call__)


def test_a_subscription_ends_by_name(sim: Simulation) -> None:
    """Given or derived; with a callback both must fit; without either the call is refused."""
    broker = TopicBasedMessageBroker(runtime=sim)
    for _ in range(3):
        broker.subscribe("orders", print, name="audit")
    assert broker.unsubscribe("orders", name="audit-2") is True
    assert not broker.unsubscribe("orders", name="audit-2")
    assert not broker.unsubscribe("orders", name="mail")
    assert not broker.unsubscribe("elsewhere", name="audit")
    assert not broker.unsubscribe("orders", len, name="audit")
    assert broker.unsubscribe("orders", print, name="audit-3", drain=False)
    assert [each.name for each in broker.subscribers["orders"]] == ["audit"]
    with pytest.raises(TypeError, match="callback or name must be given"):
        broker.unsubscribe("orders")


def test_what_waits_for_a_subscription_that_ends_by_name_is_delivered_or_purged(
    sim: Simulation,
) -> None:
    """As by callback: drained by default, else thrown away and counted."""
    trace, ear = Trace(), Ear(sim)
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    for name in ("drained", "dropped"):
        broker.subscribe("orders", ear, name=name)
    publish(broker, "orders", "m0", "m1")
    broker.unsubscribe("orders", name="drained")
    broker.unsubscribe("orders", name="dropped", drain=False)
    sim.run()
    assert ear.ids == ["m0", "m1"] and broker.subscribers == {}
    assert trace.balance("drained").completed == trace.balance("dropped").purged == 2


def shop(sim: Simulation, key: Callable[[Message], Any]) -> TopicBasedMessageBroker:
    """A broker whose topic has a queue with a dedup key, and two subscribers, one of which
    blocks.
    """
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.create_topic("orders")
    broker.topics["orders"] = DeduplicatingQueue(
        dedup_key=key, runtime=sim, trace=trace, name="once"
    )
    broker.subscribe("orders", Ear(sim), name="first")
    broker.subscribe("orders", Ear(sim), name="second", max_size=5, on_full="block")
    return broker


@pytest.mark.parametrize(
    ("key", "error"),
    [(lambda message: message.body["key"], KeyError), (lambda message: None, TypeError)],
)
def test_a_queue_that_raises_leaves_no_other_without_the_message(
    sim: Simulation, key: Callable[[Message], Any], error: type[Exception]
) -> None:
    """Publish raises what the queue's own function raised, the subscribers have heard, and the
    broker goes on.
    """
    broker = shop(sim, key)
    with pytest.raises(error):
        publish(broker, "orders", "m0")
    assert broker.topics["orders"].size() == 0
    sim.run()
    assert [each.callback.ids for each in broker.subscribers["orders"]] == [["m0"], ["m0"]]
    broker.topics["orders"].dedup_key = None  # type: ignore[attr-defined]
    task = sim.spawn(publish, broker, "orders", "m1")
    task.join()
    assert broker.topics["orders"].size() == 1 and broker.trace is not None
    assert broker.trace.balance().accepted == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt(), WorkerCrash()])
def test_an_interrupt_in_a_queues_function_passes_at_once(error: BaseException) -> None:
    """It is no failure of the queue; the broker is not locked for other threads afterwards."""
    runtime = ThreadRuntime()
    broker = TopicBasedMessageBroker(runtime=runtime)
    broker.topics["orders"] = DeduplicatingQueue(
        dedup_key=lambda message: raise_(error),  # type: ignore[arg-type,return-value]
        runtime=runtime,
    )
    broker.create_topic("orders")
    with pytest.raises(type(error)):
        publish(broker, "orders", "m0")
    runtime.spawn(broker.subscribe, "orders", print).join(DEADLINE)
    assert broker.get_topic_stats("orders")["subscriber_count"] == 1
    broker.unsubscribe("orders", print)


def test_a_row_of_a_frame_gives_sizes_and_times(sim: Simulation) -> None:
    """Numbers of numpy are numbers of messages and seconds."""
    np = pytest.importorskip("numpy")
    broker = TopicBasedMessageBroker(runtime=sim)
    broker.create_topic("orders", np.int64(1), visibility_timeout=np.float32(5))
    assert publish(broker, "orders", "m0", "m1") == [True, False]
    assert broker.consume("orders", np.int32(0)) is not None
    assert broker.consume("orders", np.float32(2.5)) is None
    assert (sim.now, type(sim.now)) == (2.5, float)
