"""A busy simulation, and a KeyboardInterrupt at any line of the package's code that it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import mqlearn
from mqlearn import (
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    DeduplicatingQueue,
    EventStream,
    EventStreamProcessor,
    InMemoryMessageQueue,
    Message,
    MessageGroupQueue,
    MessagePriority,
    MessageProcessor,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
    StreamEvent,
    TopicBasedMessageBroker,
    Trace,
    WorkerCrash,
)

PACKAGE = str(Path(mqlearn.__file__).parent)
PRIORITIES = list(MessagePriority)


class Busy:
    """Every kind of queue with something in every place, in one simulation with one trace."""

    def __init__(self) -> None:
        self.sim, self.trace = Simulation(3), Trace()
        on = {"runtime": self.sim, "trace": self.trace}
        retry = RetryPolicy(0.2, cap=1.0)
        self.queues: list[InMemoryMessageQueue] = [
            InMemoryMessageQueue(
                4, visibility_timeout=0.7, retry=retry, on_full="block", name="block", **on
            ),
            InMemoryMessageQueue(1, visibility_timeout=0.7, on_full="drop_oldest", name="d", **on),
            DeduplicatingQueue(3, visibility_timeout=0.7, retry=retry, name="once", **on),
            MessageGroupQueue(6, visibility_timeout=0.7, retry=retry, name="groups", **on),
        ]
        self.processors = [MessageProcessor(queue, restart_after=0.1) for queue in self.queues[1:]]
        self.processors.append(
            CircuitBreakerMessageProcessor(self.queues[0], breaker=CircuitBreaker(2, 0.3, **on))
        )
        for processor in self.processors:
            processor.register_processor("default", self.handle)
            processor.start_workers(2)
        self.broker = TopicBasedMessageBroker(**on)
        self.broker.subscribe("news", lambda message: self.sim.sleep(0.1), name="mail")
        self.stream = EventStream("log", 2, **on)
        self.reader = EventStreamProcessor(self.stream, "readers")
        self.reader.add_processor(lambda event: self.sim.sleep(0.1))
        self.reader.start()
        self.sim.spawn(self.shop, name="shop")
        self.sim.call_at(2.5, self.tidy)

    def handle(self, message: Message) -> bool:
        """Fail in every way that there is."""
        chance = self.sim.draw("fate", message.id, message.attempt)
        self.sim.sleep(0.4 * chance)
        if chance < 0.1:
            raise WorkerCrash
        if chance < 0.2:
            raise Reject("no such customer")
        if chance < 0.3:
            raise Release(0.2)
        return chance > 0.5

    def shop(self) -> None:
        """Send to all of them."""
        for number in range(14):
            self.sim.sleep(0.2)
            for queue in self.queues:
                message = Message(
                    id=f"{queue.name}-{number // 2 if queue.name == 'once' else number}",
                    priority=PRIORITIES[number % 4],
                    max_retries=1,
                    ttl=0.2 if number % 5 == 1 else 9.0,
                    headers={"group": f"g{number % 3}"},
                )
                queue.send(message, delay=0.3 if number % 4 == 3 else 0.0)
            if number % 4 == 0:
                self.broker.publish("news", Message(id=f"news-{number}"))
                self.stream.append(StreamEvent(f"k{number}", event_type="order"))

    def tidy(self) -> None:
        """Redrive what is dead; throw away what waits."""
        for queue in self.queues:
            queue.redrive(limit=2)
        self.queues[1].purge()
        self.queues[3].purge()

    def cell(self) -> None:
        """Do what a notebook's cell does."""
        self.sim.run(until=2.0)
        for queue in self.queues[:2]:
            delivery = queue.receive(timeout=0.3)
            if delivery is not None:
                queue.nack(delivery)
        self.sim.run(until=3.2)


class Interrupter:
    """A trace function: raises KeyboardInterrupt at line number `at` of the package's code."""

    def __init__(self, at: int) -> None:
        self.at, self.lines, self.where = at, 0, ""

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        return self.line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def line(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        """Count one line of the package."""
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self.line


def traced(call: Callable[[], object], at: int) -> tuple[bool, Interrupter]:
    """Make a call that is interrupted at this line; return whether the interrupt came out."""
    interrupter, before = Interrupter(at), sys.gettrace()
    interrupted = False
    sys.settrace(interrupter)
    try:
        call()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        sys.settrace(before)
    return interrupted, interrupter


def closed(sim: Simulation) -> bool:
    """Close it, and say whether it is closed, and each of its tasks has ended."""
    tasks = list(sim._tasks)
    with suppress(KeyboardInterrupt):
        sim.close()
    return sim.closed and not any(task.is_alive() for task in tasks)
