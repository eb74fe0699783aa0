"""The cost of one message to two hundred subscribers of a topic."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bench.measure import Prepared, interleaved, table
from mqlearn import Message, Simulation, ThreadRuntime, TopicBasedMessageBroker


def threads_of_their_own(subscribers: int, messages: int) -> Prepared:
    """A thread for each message and subscriber, as in a broker written in an afternoon: no queue,
    no order.
    """

    def prepare() -> Callable[[], None]:
        heard = threading.Semaphore(0)
        waiting = [Message(id=f"m-{i}") for i in range(messages)]

        def call() -> None:
            for message in waiting:
                for _ in range(subscribers):
                    threading.Thread(
                        target=lambda _: heard.release(), args=(message,), daemon=True
                    ).start()
            for _ in range(subscribers * messages):
                heard.acquire()

        return call

    return prepare


def on_threads(subscribers: int, messages: int) -> Prepared:
    """Ours on real threads: from the first publish until every subscriber has heard the last
    message.
    """

    def prepare() -> Callable[[], None]:
        broker, heard = TopicBasedMessageBroker(runtime=ThreadRuntime()), threading.Semaphore(0)
        callbacks = [lambda _: heard.release() for _ in range(subscribers)]
        for callback in callbacks:
            broker.subscribe("topic", callback)
        waiting = [Message(id=f"m-{i}") for i in range(messages)]

        def call() -> None:
            for message in waiting:
                broker.publish("topic", message)
            for _ in range(subscribers * messages):
                heard.acquire()
            for callback in callbacks:  # so that the next round meets no parked threads
                broker.unsubscribe("topic", callback)

        return call

    return prepare


def simulated(subscribers: int, messages: int) -> Prepared:
    """Ours in virtual time."""

    def prepare() -> Callable[[], None]:
        waiting = [Message(id=f"m-{i}") for i in range(messages)]

        def call() -> None:
            with Simulation() as sim:
                broker = TopicBasedMessageBroker(runtime=sim)
                for _ in range(subscribers):
                    broker.subscribe("topic", lambda _: None)
                for message in waiting:
                    broker.publish("topic", message)
                sim.run()

        return call

    return prepare


def fan_out(subscribers: int = 200, messages: int = 20, repeats: int = 9) -> list[str]:
    """Ratios against a thread for each call (more is faster), and microseconds a delivery."""
    ways = {"naive": threads_of_their_own, "live": on_threads, "simulated": simulated}
    taken = interleaved({name: way(subscribers, messages) for name, way in ways.items()}, repeats)
    rows = [("", "ratio", "µs a delivery")]
    rows += [
        (
            label,
            f"{taken['naive'] / taken[name]:.2f}x",
            f"{taken[name] / (subscribers * messages) * 1e6:.1f}",
        )
        for name, label in [
            ("naive", "a thread for each call, nothing kept"),
            ("live", "a queue and a loop each"),
            ("simulated", "the same, simulated"),
        ]
    ]
    return [f"broker: {messages} messages to {subscribers} subscribers of one topic", *table(*rows)]
