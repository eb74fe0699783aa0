"""Locks and conditions among simulated tasks: they exclude, and whoever has waited longest is
next.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING

from mqlearn.runtime import check
from mqlearn.runtime.base import Task

if TYPE_CHECKING:
    from mqlearn.runtime.simulation import Simulation, Waiter


class SimLock:
    """A re-entrant lock among simulated tasks; it passes to whoever has waited longest."""

    __slots__ = ("_depth", "_line", "_owner", "sim")

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self._owner: object = None
        self._depth = 0
        self._line: list[Waiter] = []

    def acquire(self) -> bool:
        sim = self.sim
        # nearly always
        if self._owner is None and sim._active is not None and get_ident() == sim._thread:
            self._owner, self._depth = sim._active, 1
            return True
        if get_ident() != sim._thread:
            sim._usable()
        if sim._active is None and not sim.closed:
            sim._at_home()
        me: object = sim._active or sim
        if self._owner is None or sim.closed:
            self._owner, self._depth = me, 1
        elif self._owner is me:
            self._depth += 1
        else:
            holder = self._owner.name if isinstance(self._owner, Task) else "the notebook"
            sim._suspend(self._line, None, f"the lock that {holder} holds")
        return True

    def release(self, *_: object) -> None:
        sim = self.sim
        if self._owner is sim._active and self._depth == 1 and not self._line:  # nearly always
            self._owner, self._depth = None, 0
            return
        if self._owner is not (sim._active or sim):
            if sim.closed:
                return
            raise RuntimeError("release() of a lock that the caller does not hold")
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            if self._line:
                heir = self._line.pop(0)
                self._owner, self._depth = heir if isinstance(heir, Task) else sim, 1
                sim._notify(heir)

    __enter__ = acquire
    __exit__ = release


class SimCondition:
    """A condition among simulated tasks: whoever waited first is notified first."""

    __slots__ = ("_line", "_lock", "acquire", "release")

    def __init__(self, lock: SimLock) -> None:
        self._lock = lock
        self._line: list[Waiter] = []
        self.acquire, self.release = lock.acquire, lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _owned(self) -> None:
        sim = self._lock.sim
        if self._lock._owner is not (sim._active or sim) and not sim.closed:
            sim._usable()
            raise RuntimeError("the condition's lock must be held by the caller")

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            check.number("timeout", timeout, low=0)
        self._owned()
        lock = self._lock
        depth, lock._depth = lock._depth, 1
        lock.release()
        try:
            return lock.sim._suspend(self._line, timeout, "a notification")
        finally:
            lock.acquire()
            lock._depth = depth

    def notify(self, n: int = 1) -> None:
        sim = self._lock.sim
        if self._lock._owner is not (sim._active or sim):
            self._owned()
        while self._line and n > 0:
            self._lock.sim._notify(self._line.pop(0))
            n -= 1

    def notify_all(self) -> None:
        self.notify(len(self._line))
