"""Whatever a handler does is the outcome of its message: with a reason, and without harm to the
worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    MonitoredMessageProcessor,
    Simulation,
    ThreadRuntime,
    Trace,
)
from tests.messaging.hostile import (
    FAILURES,
    MANGLINGS,
    REJECTIONS,
    RELEASES,
    raises,
    recurses,
    returns,
)

Handler = Callable[[Message], Any]


class Shop:
    """One worker on a queue: the messages of type "bad" get `handler`, and "good" comes last."""

    def __init__(
        self, runtime: Simulation | ThreadRuntime, handler: Handler, kind: type = MessageProcessor
    ) -> None:
        self.trace = Trace()
        self.queue = InMemoryMessageQueue(runtime=runtime, trace=self.trace)
        self.processor = kind(self.queue)
        self.processor.register_processor("bad", handler)
        self.processor.register_processor("default", lambda message: None)
        self.queue.send(Message(id="bad", headers={"type": "bad"}, max_retries=0))
        self.queue.send(Message(id="good"))
        self.processor.start_workers(1)

    def reasons(self) -> dict[str, str]:
        """Why each dead letter failed or was rejected."""
        return {
            letter.id: letter.headers.get("dead_letter_error", letter.headers["dead_letter_reason"])
            for letter in self.queue.get_dead_letter_messages()
        }


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("kind", [MessageProcessor, MonitoredMessageProcessor])
def test_what_a_handler_does_is_a_failure_of_its_message(name: str, kind: type) -> None:
    """It is dead for that reason, and the same worker handles the next message."""
    handler, reason = FAILURES[name]
    with Simulation() as sim:
        shop = Shop(sim, handler, kind)
        sim.run()
        assert shop.reasons() == {"bad": reason}
        assert shop.processor.counts == {"processed": 1, "failed": 1, "retried": 0}
        assert [worker.is_alive() for worker in shop.processor.workers] == [True]
        assert shop.trace.balance().in_flight == 0


def test_a_failure_that_python_words_itself_is_one_too() -> None:
    """A handler that recurses forever fails for that reason."""
    with Simulation() as sim:
        shop = Shop(sim, recurses)
        sim.run()
        assert shop.reasons()["bad"].startswith("maximum recursion depth exceeded")
        assert shop.processor.counts == {"processed": 1, "failed": 1, "retried": 0}


@pytest.mark.parametrize("name", REJECTIONS)
def test_a_rejection_is_one_raised_or_returned(name: str) -> None:
    """It goes to the dead letters at once, though it has retries left."""
    handler, reason = REJECTIONS[name]
    with Simulation() as sim:
        shop = Shop(sim, handler)
        shop.queue.send(Message(id="three", headers={"type": "bad"}))
        sim.run()
        assert shop.reasons() == {"bad": reason, "three": reason}
        assert shop.processor.counts == {"processed": 1, "failed": 2, "retried": 0}


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_is_one_raised_or_returned(name: str) -> None:
    """The message comes again two seconds later, and no failure is counted."""
    first = iter([True])
    with Simulation() as sim:
        shop = Shop(sim, lambda message: RELEASES[name](message) if next(first, False) else None)
        sim.run()
        done = [(r.time, r.message_id) for r in shop.trace.records if r.event == "acked"]
        assert done == [(0.0, "good"), (2.0, "bad")]
        assert shop.processor.counts == {"processed": 2, "failed": 0, "retried": 0}


@pytest.mark.parametrize("name", MANGLINGS)
@pytest.mark.parametrize("kind", [MessageProcessor, MonitoredMessageProcessor])
def test_a_message_is_settled_as_it_was_delivered(name: str, kind: type) -> None:
    """Nothing that a handler does to its message changes which delivery is acked."""
    with Simulation() as sim:
        shop = Shop(sim, MANGLINGS[name], kind)
        sim.run()
        assert shop.processor.counts == {"processed": 2, "failed": 0, "retried": 0}
        assert [r.message_id for r in shop.trace.records if r.event == "acked"] == ["bad", "good"]
        assert not [r for r in shop.trace.records if r.event == "stale"]


@pytest.mark.parametrize(
    ("name", "settled"),
    [
        ("ack", "acked"),
        ("nack", "dead"),
        ("release", "acked"),
        ("extend", "acked"),
        ("purge", "acked"),
    ],
)
def test_a_handler_may_call_its_queue(name: str, settled: str) -> None:
    """The worker's own ack of a delivery that the handler has settled is stale, and harms no
    other.
    """
    first = iter([True])
    with Simulation() as sim:

        def handler(message: Message) -> None:
            if next(first, False):
                call = getattr(shop.queue, name)
                call(*{"purge": (), "extend": (message, 5)}.get(name, (message,)))

        shop = Shop(sim, handler)
        sim.run()
        ends = {r.message_id: r.event for r in shop.trace.records if r.event in ("acked", "dead")}
        assert ends.pop("bad") == settled
        assert ends == ({} if name == "purge" else {"good": "acked"})
        assert shop.trace.balance().in_flight == 0


@pytest.mark.parametrize("name", FAILURES)
def test_threads_outlive_their_handlers_too(name: str) -> None:
    """On threads the same failure has the same reason, and `stop_workers` raises nothing."""
    handler, reason = FAILURES[name]
    shop = Shop(ThreadRuntime(), handler)
    tick = threading.Event()
    for _ in range(1000):  # ten seconds at most
        if shop.processor.counts["processed"]:
            break
        tick.wait(0.01)
    shop.processor.stop_workers()
    assert shop.reasons() == {"bad": reason}


@pytest.mark.parametrize("kind", [MessageProcessor, MonitoredMessageProcessor])
def test_an_interrupt_in_a_handler_reaches_the_cell(kind: type) -> None:
    """KeyboardInterrupt is no failure of a message: `run()` raises it."""
    with Simulation() as sim:
        shop = Shop(sim, raises(KeyboardInterrupt), kind)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
        assert shop.trace.balance().in_flight == 1


def test_errors_of_monitored_handlers_are_counted_however_they_come() -> None:
    """An exception that is returned or that exits counts, a rejection and a release do not."""
    errors = {}
    for name, handler in {
        "raised": raises(OSError("no answer")),
        "exit": FAILURES["sys.exit"][0],
        "returned": returns(lambda: OSError("no answer")),
        "rejected": REJECTIONS["raised"][0],
        "rejection returned": REJECTIONS["returned"][0],
        "outcome": FAILURES["an outcome"][0],
        "false": FAILURES["False"][0],
    }.items():
        with Simulation() as sim:
            shop = Shop(sim, handler, MonitoredMessageProcessor)
            sim.run()
            errors[name] = shop.processor.get_metrics()["error_count"]
    assert errors == {
        "raised": 1,
        "exit": 1,
        "returned": 1,
        "rejected": 0,
        "rejection returned": 0,
        "outcome": 0,
        "false": 0,
    }
