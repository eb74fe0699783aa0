"""The few verbs that both clocks share.

A queue or a worker is written once, against `Runtime`. `ThreadRuntime` gives it real threads and
real time; `Simulation` gives it simulated tasks and virtual time. Nothing else in the package asks
what time it is, waits, starts a thread or rolls a die.
"""

from __future__ import annotations

import hashlib
import random
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol

from mqlearn.runtime import check

CURRENT: ContextVar[Task | None] = ContextVar("mqlearn_task", default=None)


class WorkerCrash(Exception):
    """The worker dies here and now, as if its machine had lost power.

    Creating one marks the task that runs: whatever the handler then catches or returns, the pool
    settles nothing for it, lets the lease run out and restarts the worker.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        task = CURRENT.get()
        if task is not None:
            task.crashed = True


class Lock(Protocol):
    """A re-entrant lock: at most one task holds it."""

    def acquire(self) -> bool: ...

    def release(self) -> None: ...

    def __enter__(self) -> Any: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class Condition(Lock, Protocol):
    """A lock, and a line of tasks that wait to be notified."""

    def wait(self, timeout: float | None = None) -> bool:
        """Release the lock until notified, at most `timeout` seconds; False if that time ran
        out.
        """

    def notify(self, n: int = 1) -> None: ...

    def notify_all(self) -> None: ...


class Timer(Protocol):
    """A call that is due at a time of its runtime's clock."""

    time: float

    def cancel(self) -> None:
        """Cancel the call; no effect once it has happened."""


def weak_callback(method: Callable[[], None]) -> Callable[[], None]:
    """Return a call of `method` that does nothing once its object is gone. A timer with it keeps no
    object alive.
    """
    reference = weakref.WeakMethod(method)

    def call() -> None:
        alive = reference()
        if alive is not None:
            alive()

    return call


class Task(ABC):
    """One simulated task or one thread.

    `name` is its name in the trace, `error` the exception that ended it; `crashed` tells that a
    `WorkerCrash` was raised in it.
    """

    name: str
    daemon: bool
    crashed: bool = False
    error: BaseException | None = None

    @abstractmethod
    def join(self, timeout: float | None = None) -> None:
        """Wait until the task ends, at most `timeout` seconds, and raise what ended it."""

    @abstractmethod
    def is_alive(self) -> bool:
        """Return True until the task has ended."""


class Runtime(ABC):
    """A clock, tasks, locks, timers and chance, for everything that runs here.

    `virtual` tells whether time is simulated. `random` is a `random.Random` with the runtime's
    seed, for code where the order of draws does not matter; `draw` is for everything that is
    compared between runs.
    """

    virtual: bool

    def __init__(self, seed: int = 0) -> None:
        check.whole("seed", seed, low=-(2**63))
        self.seed = seed
        self.random = random.Random(seed)
        self._prefix = hashlib.blake2b(f"{seed}".encode(), digest_size=8)

    @property
    @abstractmethod
    def now(self) -> float:
        """The time, in seconds: since the epoch on threads, since the start in a simulation."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Suspend the caller for `seconds`; 0 lets others run first."""

    def sleep_until(self, time: float) -> None:
        """Suspend the caller until the clock shows `time` (s). If that has passed, only let others
        run first.

        Better than `sleep` with a difference of two readings of the clock: on threads that may have
        become negative.
        """
        check.number("time", time)
        self.sleep(max(0.0, time - self.now))

    @abstractmethod
    def spawn(
        self,
        target: Callable[..., object],
        *args: Any,
        name: str | None = None,
        daemon: bool = False,
    ) -> Task:
        """Start `target(*args)` as a task of its own. A `daemon` does not keep a simulation
        running.
        """

    @abstractmethod
    def lock(self) -> Lock:
        """A re-entrant lock."""

    @abstractmethod
    def condition(self, lock: Lock | None = None) -> Condition:
        """A condition on `lock`, or on a lock of its own."""

    @abstractmethod
    def call_at(self, time: float, fn: Callable[[], object], *, daemon: bool = False) -> Timer:
        """Call `fn()` when the clock reaches `time` (seconds on this clock), at once if that has
        passed.

        A `daemon` does not keep a simulation running.
        """

    def current_task(self) -> Task | None:
        """The task that asks, or None outside any task."""
        return CURRENT.get()

    def stamp(self) -> tuple[float, str]:
        """Return the stamp of a record: the time (s), and the name of the task that runs (""
        outside any).

        A call of it also shows a simulation that something happened: a run where nothing does is
        going in circles, and is ended.
        """
        task = CURRENT.get()
        return self.now, "" if task is None else task.name

    def draw(self, purpose: str, *key: object) -> float:
        """The number in [0, 1) that belongs to (seed, purpose, key).

        It depends on nothing else: not on earlier draws, the process or the machine. So a change of
        one parameter changes what depends on it, and nothing else.
        """
        digest = self._prefix.copy()
        digest.update(f"|{purpose}|{'|'.join(map(str, key))}".encode())
        return (int.from_bytes(digest.digest(), "big") >> 11) * 2.0**-53

    def at_close(self, fn: Callable[[], object]) -> None:
        """Have `fn()` called when a simulation is closed, before its tasks are ended; threads are
        never closed.
        """
        check.function("fn", fn)
