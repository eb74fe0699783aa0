"""Locks and conditions for simulated tasks: at most one task holds a lock, and the task that has
waited longest gets it next.
"""

from __future__ import annotations

from collections import deque
from threading import get_ident
from types import TracebackType

from mqlearn.runtime import check
from mqlearn.runtime.base import Task
from mqlearn.runtime.scheduler import Scheduler
from mqlearn.runtime.simtasks import Waiter


class SimLock:
    """A re-entrant lock for simulated tasks; it passes to the task that has waited longest.

    Its owner is a task, or the simulation itself while the notebook's cell holds it.
    """

    __slots__ = ("__weakref__", "_line", "_owner", "_reentries", "sim")

    def __init__(self, sim: Scheduler) -> None:
        self.sim = sim
        self._owner: object = None
        self._reentries = 0  # how many more times its owner has acquired it
        self._line: deque[Waiter] = deque()
        sim._locks.add(self)

    def acquire(self) -> bool:
        sim = self.sim
        task = sim._active
        # The usual case first, for speed: a task acquires a free lock. A queue takes its lock three
        # times per message.
        if task is not None and self._owner is None and get_ident() == sim._going:
            self._owner = task
            # counted, since a loop over calls that record nothing takes no time either
            sim._grabs -= 1
            if not sim._grabs:
                sim._count_grabs()
            return True
        if get_ident() != sim._thread:
            sim._check_usable()
        ended = sim.closed or sim.interrupted
        if task is None and not ended:
            sim._check_task()
        me: object = task or sim
        if not sim._going and not ended and self._owner is not me:
            sim._stop_endless()
        # after the end every lock is granted: its holder may never run again to release it
        if self._owner is None or ended:
            self._owner, self._reentries = me, 0
        elif self._owner is me:
            self._reentries += 1
        else:
            holder = self._owner.name if isinstance(self._owner, Task) else "the notebook"
            try:
                sim._suspend(self._line, None, f"the lock that {holder} holds")
            except BaseException:
                # a cell whose wait ended by an error, when the lock had been given to it
                if task is None and self._owner is sim:
                    self.release()
                raise
        return True

    def release(
        self,
        kind: type[BaseException] | None = None,  # noqa: ARG002 - it is `__exit__`, too
        error: BaseException | None = None,
        trace: TracebackType | None = None,  # noqa: ARG002
    ) -> None:
        sim = self.sim
        task = sim._active
        # The usual case first, for speed: no other task waits for the lock.
        if (
            task is self._owner
            and task is not None
            and error is None
            and not self._reentries
            and not self._line
        ):
            self._owner = None
            return
        if isinstance(error, KeyboardInterrupt):
            sim._interrupt()  # what was done under the lock may be half done
        if self._owner is not (task or sim):
            # an interrupt may come while a condition's `wait` takes the lock again
            if sim.closed or sim.interrupted:
                return
            raise RuntimeError("release() of a lock that the caller does not hold")
        if self._reentries:
            self._reentries -= 1
            return
        self._owner = None
        if self._line:
            next_owner = self._line.popleft()
            # given to the next owner before it runs, so that no other task can take the lock in
            # between
            self._owner = next_owner if isinstance(next_owner, Task) else sim
            sim._wake(next_owner)

    __enter__ = acquire
    __exit__ = release


class SimCondition:
    """A condition for simulated tasks: the task that has waited longest is notified first."""

    __slots__ = ("_line", "_lock", "acquire", "release")

    def __init__(self, lock: SimLock) -> None:
        self._lock = lock
        self._line: deque[Waiter] = deque()
        self.acquire, self.release = lock.acquire, lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release(kind, error, trace)

    def _check_held(self) -> None:
        sim = self._lock.sim
        if self._lock._owner is not (sim._active or sim) and not (sim.closed or sim.interrupted):
            sim._check_usable()
            raise RuntimeError("the condition's lock must be held by the caller")

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            timeout = check.number("timeout", timeout, low=0)
        self._check_held()
        lock = self._lock
        # released completely, however often its owner has acquired it, or no task could notify it
        reentries, lock._reentries = lock._reentries, 0
        lock.release()
        try:
            return lock.sim._suspend(self._line, timeout, "a notification")
        except BaseException:
            # A cell whose wait ended by an error may have been notified already: another that waits
            # is to look in its place.
            if lock.sim._going and self._line:
                lock.sim._wake(self._line.popleft())
            raise
        finally:
            try:
                # the notifying task may still hold the lock: then this one waits in the lock's line
                lock.acquire()
                lock._reentries = reentries
            except KeyboardInterrupt:
                lock.sim._interrupt()  # the caller has no lock, which it does not expect
                raise

    def notify(self, n: int = 1) -> None:
        self._check_held()
        while self._line and n > 0:
            self._lock.sim._wake(self._line.popleft())
            n -= 1

    def notify_all(self) -> None:
        self.notify(len(self._line))
