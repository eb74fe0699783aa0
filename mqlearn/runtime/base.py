"""The few operations that both clocks share.

A queue or a worker is written once, against `Runtime`. `ThreadRuntime` gives it real threads and
real time; `Simulation` gives it simulated tasks and virtual time. All other code of the package
reads the time, waits, starts tasks and draws random numbers through these two classes only.
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

# A context variable, since it serves both runtimes: each thread has its own value, and so has each
# greenlet (the simulated tasks).
CURRENT: ContextVar[Task | None] = ContextVar("mqlearn_task", default=None)


class WorkerCrash(Exception):
    """The crash of a worker, at this instant, as if its machine had lost power.

    Creating one marks the running task as crashed. Whatever the handler then catches or returns,
    the pool does not ack or nack the message: its lease runs out, and the pool restarts the worker.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        task = CURRENT.get()
        if task is not None:
            # marked here and not where it is caught: a handler with a broad `except` could hide the
            # exception from the pool
            task.crashed = True


class Lock(Protocol):
    """A re-entrant lock: at most one task holds it, and that task may acquire it again."""

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
    """A lock, and a line of tasks that wait until they are notified."""

    def wait(self, timeout: float | None = None) -> bool:
        """Release the lock and wait until notified, at most `timeout` seconds; return with the lock
        held again. False if the time ran out.
        """

    def notify(self, n: int = 1) -> None: ...

    def notify_all(self) -> None: ...


class Timer(Protocol):
    """A function call that is scheduled for a `time` (s) on its runtime's clock."""

    time: float

    def cancel(self) -> None:
        """Cancel the call; no effect once it has happened."""


def weak_callback(method: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `method`, or does nothing once the method's object is garbage
    collected. A timer that holds it does not keep the object alive.
    """
    reference = weakref.WeakMethod(method)

    def call() -> None:
        alive = reference()
        if alive is not None:
            alive()

    return call


def without_exit(error: BaseException, name: str) -> BaseException:
    """Return the error that ended the task called `name`, but for a SystemExit a RuntimeError:
    raised again elsewhere, it would end the process without a word.
    """
    if not isinstance(error, SystemExit):
        return error
    instead = RuntimeError(f"{name} called sys.exit({check.short_repr(error.code)})")
    instead.__cause__ = error
    return instead


class Task(ABC):
    """One simulated task or one thread.

    `name` is its name in the trace, `error` the exception that ended it; `crashed` is true once a
    `WorkerCrash` was created in it.
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
    """A clock, tasks, locks, timers and random numbers: everything that a queue or a worker runs
    on.

    `virtual` is true if time is simulated. `interrupted` is true once a KeyboardInterrupt has left
    a simulation, which then refuses to go on. `random` is a `random.Random` with the runtime's
    seed, for code whose result may depend on the order of the draws; `draw` is for all that must
    stay equal when two runs are compared.
    """

    virtual: bool
    forks = 0  # how often this process is the child of a fork, since the runtime was made
    interrupted = False

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed = check.whole("seed", seed, low=-(2**63))
        self.random = random.Random(seed)
        # hashed once and copied by each draw: the seed is the same in all of them
        self._prefix = hashlib.blake2b(f"{seed}".encode(), digest_size=8)

    @property
    @abstractmethod
    def now(self) -> float:
        """The time, in seconds: since the epoch on threads, since the start in a simulation."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Suspend the caller for `seconds`; 0 only lets the other tasks run first."""

    def sleep_until(self, time: float) -> None:
        """Suspend the caller until the clock shows `time` (s). If that time has passed, only let
        the other tasks run first.

        Safer than `sleep(time - now)`: on threads the clock moves on between reading it and
        sleeping, so the difference may be negative.
        """
        self.sleep(max(0.0, check.number("time", time) - self.now))

    @abstractmethod
    def spawn(
        self,
        target: Callable[..., object],
        *args: Any,
        name: str | None = None,
        daemon: bool = False,
    ) -> Task:
        """Start `target(*args)` as a task of its own. A simulation ends its run when only `daemon`
        tasks have something left to do.
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

        A simulation ends its run when only `daemon` calls are left.
        """

    def current_task(self) -> Task | None:
        """The running task, or None outside any task."""
        return CURRENT.get()

    def stamp(self) -> tuple[float, str]:
        """Return the stamp of a record: the time (s), and the name of the task that runs (""
        outside any).

        Each call also tells a simulation that something happened. If nothing happens for very many
        wake-ups, the simulation assumes an endless loop and stops it.
        """
        task = CURRENT.get()
        return self.now, "" if task is None else task.name

    def draw(self, purpose: str, *key: object) -> float:
        """The number in [0, 1) that belongs to (seed, purpose, key).

        It depends on nothing else: not on earlier draws, the process or the machine. So when one
        parameter of a scenario changes, the draws of everything else stay the same.
        """
        digest = self._prefix.copy()
        # an id may hold half of a surrogate pair, which plain UTF-8 refuses
        text = f"|{purpose}|{'|'.join(map(str, key))}"
        digest.update(text.encode("utf-8", "surrogatepass"))
        # a float has 53 bits of precision: the upper 53 of the 64 bits, as a fraction of 2**53
        return (int.from_bytes(digest.digest(), "big") >> 11) * 2.0**-53

    @abstractmethod
    def report(self, error: BaseException) -> None:
        """Report a failure of handed-in code that is the failure of no message, and go on.

        A simulation raises it when its present or next `run()` ends, or else from `close()`. On
        threads the task's `join()` raises it; outside any task it is shown at once.
        """

    def at_close(self, fn: Callable[[], object]) -> None:
        """Register `fn()` to be called when a simulation is closed, before its tasks are ended. On
        threads it is never called, since they are never closed.
        """
        check.function("fn", fn)
