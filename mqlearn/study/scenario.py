"""Scenarios: parameters that a lab shows, and a run of them on the real classes.

Scenario             checks its fields, opens a simulation, compares a prediction with the result
param                a field, with its unit, range and sentence of help
own_or_given         the queue of a run, and the trace that the run reads
refuse_queue         refuses one, for a scenario that uses none
start_shop           sends a message at each arrival
observe              lets time pass, then freezes the trace
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, fields
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run


def param(
    default: Any,
    *,
    unit: str = "",
    low: float = 0,
    high: float = 1,
    step: float = 1,
    group: str = "load",
    help: str = "",  # noqa: A002 - the word the lab shows
    choices: Iterable[str] | None = None,
) -> Any:
    """A field with its unit, range, group ("load", "workers", "failures", "policy") and a sentence
    of help.
    """
    about = {"unit": unit, "low": low, "high": high, "step": step, "group": group, "help": help}
    if choices is not None:
        about["choices"] = tuple(choices)
    return field(default=default, metadata=about)


def own_or_given(
    queue: MessageQueue | None, runtime: Runtime, name: str = "orders", **options: Any
) -> tuple[MessageQueue, Trace]:
    """Return the queue of a run and the trace that the run reads.

    Without a given `queue` it is one of its own, with this name and these `options`. A given queue
    that has no trace leaves the run an empty one.
    """
    if queue is None:
        queue = InMemoryMessageQueue(runtime=runtime, trace=Trace(), name=name, **options)
    return queue, Trace() if queue.trace is None else queue.trace


def refuse_queue(queue: MessageQueue | None, reason: str) -> None:
    """Raise ValueError if a queue is given to a scenario that can use none, with the `reason`."""
    if queue is not None:
        raise ValueError(f"queue must be None, since {reason}, got {queue!r}")


def start_shop(
    runtime: Runtime,
    queue: MessageQueue,
    times: Iterable[float],
    message: Callable[[int], Message],
) -> Task:
    """Start a task that sends `message(1)`, `message(2)`, …, each at its time, in seconds from
    now.
    """
    start = runtime.now

    def shop() -> None:
        for number, time in enumerate(times, 1):
            # also where two arrive at the same time: a worker may take the first before the second
            runtime.sleep_until(start + time)
            queue.send(message(number))

    return runtime.spawn(shop, name="shop")


def wait_for_arrivals(runtime: Runtime, start: float, times: Iterable[float]) -> Iterator[int]:
    """Yield 1, 2, 3, …, each when its time has come; `times` are in seconds since `start`.

    Arrivals at the same time follow each other at once, before any other task has its turn.
    """
    for number, time in enumerate(times, 1):
        if start + time > runtime.now:
            runtime.sleep_until(start + time)
        yield number


def observe(runtime: Runtime, trace: Trace, seconds: float) -> float:
    """Let `seconds` pass, freeze the trace, and return the time at the end (s)."""
    advance(runtime, seconds)
    trace.freeze()
    return runtime.now


def advance(runtime: Runtime, seconds: float) -> None:
    """Wait for `seconds`, with all that is due at the very last instant.

    A simulation that is outside any task has to be run; inside a task, and on threads, it is enough
    to sleep.
    """
    if isinstance(runtime, Simulation) and runtime.current_task() is None:
        runtime.run(until=runtime.now + seconds)
    else:
        runtime.sleep(seconds)


class Scenario:
    """The base of every scenario, a frozen dataclass of parameters that can be run.

    A field made by `param` is refused outside its range, with an error naming the field, the rule
    and the value.
    """

    prediction: float | None

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value, about = getattr(self, item.name), item.metadata
            if "choices" in about:
                check.one_of(item.name, value, about["choices"])
            elif isinstance(item.default, int) and not isinstance(item.default, bool):
                check.whole(item.name, value, low=int(about["low"]), high=int(about["high"]))
            else:
                check.number(
                    item.name,
                    value,
                    low=about["low"],
                    high=about["high"],
                    optional=item.default is None,
                )

    def run(
        self, seed: int = 0, *, runtime: Runtime | None = None, queue: MessageQueue | None = None
    ) -> Run:
        """Run it and return all that happened, in a simulation of its own unless given a runtime.

        With `runtime=ThreadRuntime()` it takes as long as it says. The times count from 0 and the
        draws are of `seed` as in a simulation; what still differs is how threads take turns. A
        given simulation draws by its own seed.
        """
        check.whole("seed", seed, low=-(2**63))
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("queue", queue, MessageQueue, optional=True)
        if isinstance(runtime, ThreadRuntime) and queue is None:
            runtime = runtime.fresh(seed)
        if runtime is not None:
            return self._simulate(runtime, queue, seed)
        with Simulation(seed) as sim:
            return self._simulate(sim, queue, seed)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        raise NotImplementedError

    def _compare_prediction(
        self, actual: str, predicted: Callable[[float], str] = "{:,g}".format
    ) -> list[str]:
        """Return the sentence that compares a prediction with what came out, or none without one.

        `actual` is what came out, as text; `predicted` makes a text of the prediction.
        """
        if self.prediction is None:
            return []
        return [f"You said {predicted(self.prediction)}, it is {actual}."]
