"""Scenarios: a set of parameters that a lab shows as sliders, and the run that they make with the
package's real classes.

Scenario             checks its fields, opens a simulation, compares a prediction with the result
param                a field, with its unit, range and sentence of help
own_or_given         the queue of a run, and the trace that the run reads
refuse_queue         the error of a scenario that uses no queue but was given one
start_shop           a task that sends a message at each arrival
wait_for_arrivals    the numbers of the arrivals, each at its time
observe              lets time pass, then freezes the trace
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, fields
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.study.arrivals import Recording
from mqlearn.study.run import Run
from mqlearn.study.words import format_number


def param(
    default: Any,
    *,
    unit: str = "",
    low: float = 0,
    high: float = 1,
    step: float = 1,
    group: str | None = "load",
    help: str = "",  # noqa: A002 - the word the lab shows
    choices: Iterable[str] | None = None,
    recorded: bool = False,
) -> Any:
    """Return a dataclass field that a lab shows as a control: its default, unit, range from `low`
    to `high` in steps of `step`, group ("load", "workers", "failures", "policy") and a sentence of
    help. Without a group (None) it has no control and is set in code only. A field with `choices`
    is a menu instead of a slider; one that is `recorded` takes a recording of one's own as well,
    what `read_arrivals` returns.
    """
    about: dict[str, Any] = {
        "unit": unit,
        "low": low,
        "high": high,
        "step": step,
        "help": help,
    }
    if group is not None:
        about["group"] = group
    if choices is not None:
        about |= {"choices": tuple(choices), "recorded": recorded}
    return field(default=default, metadata=about)


def own_or_given(
    queue: MessageQueue | None, runtime: Runtime, name: str = "orders", **options: Any
) -> tuple[MessageQueue, Trace]:
    """Return the queue of a run and the trace that the run reads.

    Without a given `queue`, a new one is made with this name and these `options`. If a given queue
    has no trace, the run reads an empty one.
    """
    if queue is None:
        queue = InMemoryMessageQueue(runtime=runtime, trace=Trace(), name=name, **options)
    return queue, Trace() if queue.trace is None else queue.trace


def refuse_queue(queue: MessageQueue | None, reason: str) -> None:
    """Raise ValueError with the `reason` if a queue is given to a scenario that uses none."""
    if queue is not None:
        raise ValueError(f"queue must be None, since {reason}, got {check.short_repr(queue)}")


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
            # Called also for a second arrival at the same time: other tasks have a turn then, so a
            # worker can take the first message before the second is sent.
            runtime.sleep_until(start + time)
            queue.send(message(number))

    return runtime.spawn(shop, name="shop")


def wait_for_arrivals(runtime: Runtime, start: float, times: Iterable[float]) -> Iterator[int]:
    """Yield the number of each arrival, 1, 2, 3, …, when its time has come; `times` are in seconds
    since `start`.

    Arrivals at the same time follow each other directly, before any other task has a turn.
    """
    for number, time in enumerate(times, 1):
        if start + time > runtime.now:
            runtime.sleep_until(start + time)
        yield number


def observe(runtime: Runtime, trace: Trace, seconds: float) -> float:
    """Let `seconds` pass, freeze the trace, and return the time at the end (s).

    What stopping the workers records afterwards is then no part of the run.
    """
    advance(runtime, seconds)
    trace.freeze()
    return runtime.now


def advance(runtime: Runtime, seconds: float) -> None:
    """Let `seconds` pass, including everything that is due at the very last instant.

    Outside any task, a simulation has to be run for its time to pass. Inside a task, and on
    threads, sleeping is enough.
    """
    if isinstance(runtime, Simulation) and runtime.current_task() is None:
        runtime.run(until=runtime.now + seconds)
    else:
        runtime.sleep(seconds)


class Scenario:
    """The base of every scenario: a frozen dataclass of parameters, with a method that runs them.

    A value outside the range of its `param` raises an error that names the field, the rule and the
    value. A subclass has the fields, and `_simulate`, which makes one run. Its FIRST may name up to
    four fields: a lab shows these, and the others when it is asked for more.
    """

    FIRST: ClassVar[tuple[str, ...]] = ()

    prediction: float | None

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value, about = getattr(self, item.name), item.metadata
            if about.get("recorded") and isinstance(value, Recording):
                continue
            if "choices" in about:
                check.one_of(item.name, value, about["choices"])
                continue
            # A whole default makes a whole field; to Python a bool is an int as well.
            if isinstance(item.default, int) and not isinstance(item.default, bool):
                value = check.whole(
                    item.name, value, low=int(about["low"]), high=int(about["high"])
                )
            else:
                value = check.number(
                    item.name,
                    value,
                    low=about["low"],
                    high=about["high"],
                    optional=item.default is None,
                )
            # numpy's numbers become Python's own; the class is frozen, so not by assignment
            object.__setattr__(self, item.name, value)

    def run(
        self, seed: int = 0, *, runtime: Runtime | None = None, queue: MessageQueue | None = None
    ) -> Run:
        """Run the scenario and return the run: in a new simulation, or on the given `runtime`.

        With `runtime=ThreadRuntime()` the run takes as many real seconds as the scenario says. Its
        times count from 0 and its draws are those of `seed`, as in a simulation; only the
        turns of the threads differ. A given simulation draws by its own seed. A given `queue` is
        used in place of the scenario's own; one on a genuine engine takes the new clock.
        """
        seed = check.whole("seed", seed, low=-(2**63))
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("queue", queue, MessageQueue, optional=True)
        # A queue in memory is bound to its runtime; in all other cases a new clock begins at 0.
        if isinstance(runtime, ThreadRuntime) and (queue is None or queue.runtime is not runtime):
            runtime = runtime.fresh(seed)
            if queue is not None:
                queue.run_on(runtime)
        if runtime is not None:
            return self._simulate(runtime, queue, seed)
        with Simulation(seed) as sim:
            return self._simulate(sim, queue, seed)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        raise NotImplementedError

    def _compare_prediction(
        self, actual: str, predicted: Callable[[float], str] = format_number
    ) -> list[str]:
        """Return a list with the sentence that compares the prediction with the result; without a
        prediction, an empty list.

        `actual` is the result as text; `predicted` turns the prediction into text.
        """
        if self.prediction is None:
            return []
        return [f"You said {predicted(self.prediction)}, it is {actual}."]
