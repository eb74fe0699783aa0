"""What every scenario does: check its fields, open a simulation, run. And what a parameter says of
itself to a lab.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, fields
from typing import Any

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
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


def advance(runtime: Runtime, seconds: float) -> None:
    """Wait for `seconds`, with all that is due at the very last instant, whether a simulation is
    ours to run or not.
    """
    if isinstance(runtime, Simulation) and runtime.current_task() is None:
        runtime.run(until=runtime.now + seconds)
    else:
        runtime.sleep(seconds)


def wait_for_arrivals(runtime: Runtime, start: float, times: Iterable[float]) -> Iterator[int]:
    """1, 2, 3, …, each when its time has come; `times` are in seconds since `start`."""
    for number, time in enumerate(times, 1):
        if (left := start + time - runtime.now) > 0:
            runtime.sleep(left)
        yield number


class Scenario:
    """What every scenario is: a frozen dataclass of parameters that can be run.

    A field made by `param` is refused outside its range, with an error naming the field, the rule
    and the value.
    """

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
        """Everything that happens, observed: in a simulation of its own unless given a runtime.

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
