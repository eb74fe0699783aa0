"""Virtual time: a discrete-event simulation in which ordinary blocking code runs.

Each task is a greenlet. Whoever blocks takes the next appointment from the calendar, sets the
clock, and switches to the task that waits for it; if it is its own turn again, it simply goes on.
What is no task's business (a timer, the end of the run, a task that died) is left to the hub, which
is whoever called `run()`. Only one runs at a time and they switch only where they block, so the
same seed gives the same run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count
from threading import get_ident
from types import TracebackType
from typing import Any, cast

from greenlet import GreenletExit, getcurrent, greenlet

from mqlearn.runtime import check
from mqlearn.runtime.base import CURRENT, Condition, Lock, Runtime, Task, Timer
from mqlearn.runtime.calendar import Appointment, Calendar, Call
from mqlearn.runtime.simlocks import SimCondition, SimLock

IDLE_LIMIT = 100_000  # wake-ups in a row that achieved nothing, after which a run is called endless
UNWIND_LIMIT = 10  # times that close() interrupts a task which will not end


class SimulationError(RuntimeError):
    """The simulated code can never get on: it waits for what cannot come, or runs in circles."""


class Waiter(Appointment):
    """Somebody who can be suspended; this one is the notebook's own cell.

    `done` tells that the wait is over, `notified` that somebody else ended it, not its time.
    """

    __slots__ = ("done", "notified")

    def __init__(self, counts: bool = True) -> None:
        super().__init__(counts)
        self.done = self.notified = False

    def keep(self) -> Appointment | None:
        self.done = True
        return None


class SimTask(Waiter, Task):
    """A simulated task: a greenlet, and what it waits for."""

    def __init__(
        self,
        sim: Simulation,
        target: Callable[..., object],
        args: tuple[Any, ...],
        name: str,
        daemon: bool,
    ) -> None:
        super().__init__(not daemon)
        self.name, self.daemon = name, daemon
        self.waits_for = ""
        self.unwound = 0
        self.sim = sim
        self.joiners: list[Waiter] = []
        self.greenlet = greenlet(lambda: self._main(target, args))

    def keep(self) -> Appointment | None:
        """Run on, and whoever is due after it; what the last of them found due that is the hub's to
        keep, if any.
        """
        sim = self.sim
        sim._active = self
        sim._idle += 1
        try:
            left = cast("Appointment | None", self.greenlet.switch())
        finally:
            sim._active = None
        if sim._failed is not None:
            failed, sim._failed = sim._failed, None
            raise failed
        return left

    def _main(self, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        CURRENT.set(self)
        try:
            target(*args)
        except GreenletExit:
            pass  # unwound by close()
        except BaseException as error:  # handed to whoever joins, or to run()
            self.error = error
        self.sim._ended(self)

    def join(self, timeout: float | None = None) -> None:
        check.number("timeout", timeout, low=0, optional=True)
        if self.is_alive():
            self.sim._suspend(self.joiners, timeout, f"the end of {self.name}")
        if self.error is not None:
            raise self.error

    def is_alive(self) -> bool:
        return not self.greenlet.dead


class Simulation(Runtime):
    """Virtual time from 0, in seconds. Use it in a `with`, or call `close()`: parked tasks are not
    collected.

    It belongs to the thread that made it. A blocking call outside any task advances time until it
    is answered.
    """

    virtual = True
    now = 0.0

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._calendar = Calendar()
        self._hub: Any = None
        self._active: SimTask | None = None
        self._tasks: dict[SimTask, None] = {}
        self._names = count()
        self._until: float | None = None  # as in `Calendar.pop`, for the run that is going on
        # what a task has just died of, if nobody had joined it
        self._failed: BaseException | None = None
        self._idle, self._idle_since = 0, 0.0
        self._thread, self._home = get_ident(), CURRENT.get()
        self._closers: list[Callable[[], object]] = []
        self.closed = False

    def current_task(self) -> Task | None:
        return self._active

    def stamp(self) -> tuple[float, str]:
        self._idle = 0
        return self.now, "" if self._active is None else self._active.name

    def spawn(
        self,
        target: Callable[..., object],
        *args: Any,
        name: str | None = None,
        daemon: bool = False,
    ) -> Task:
        check.function("target", target)
        check.instance("name", name, str, optional=True)
        check.instance("daemon", daemon, bool)
        self._usable()
        number = next(self._names)
        task = SimTask(self, target, args, f"task-{number}" if name is None else name, daemon)
        self._tasks[task] = None
        self._calendar.at(self.now, task)
        return task

    def sleep(self, seconds: float) -> None:
        # the check itself costs more than a sleep
        if not (type(seconds) is float and 0 <= seconds < 1e300):
            check.number("seconds", seconds, low=0)
        self._suspend(None, seconds, "time to pass")

    def lock(self) -> Lock:
        return SimLock(self)

    def condition(self, lock: Lock | None = None) -> Condition:
        if lock is None:
            lock = SimLock(self)
        if not isinstance(lock, SimLock) or lock.sim is not self:
            raise ValueError(f"lock must be a lock of this simulation, got {lock!r}")
        return SimCondition(lock)

    def call_at(self, time: float, fn: Callable[[], object], *, daemon: bool = False) -> Timer:
        check.number("time", time)
        check.function("fn", fn)
        check.instance("daemon", daemon, bool)
        self._usable()
        return Call(self._calendar, max(time, self.now), fn, not daemon)

    def at_close(self, fn: Callable[[], object]) -> None:
        check.function("fn", fn)
        self._closers.append(fn)

    def run(self, until: float | None = None) -> None:
        """Let time pass until `until` (seconds), what is due at that instant included; without it,
        until nothing but daemons has anything left to do.

        Raises what a task died of if nobody joined it, `SimulationError` if the run would never
        end.
        """
        check.number("until", until, optional=True)
        self._usable()
        if self._active is not None or self._hub is not None:
            raise RuntimeError("run() was called inside the simulation that it is to run")
        if until is not None and until < self.now:
            raise ValueError(f"until must not be before now ({self.now:g}), got {until!r}")
        self._loop(until, None)
        if until is not None:
            self.now = until
        elif stuck := [t for t in self._tasks if not t.daemon and t.waits_for.startswith("the ")]:
            raise SimulationError(
                "deadlock: " + "; ".join(f"{t.name} waits for {t.waits_for}" for t in stuck)
            )

    def close(self) -> None:
        """Freeze the traces, then end every task by raising `GreenletExit` in it, at most ten times
        each.
        """
        if self.closed:
            return
        self._usable()
        if self._active is not None:
            raise RuntimeError("close() was called inside the simulation")
        for closer in self._closers:
            closer()
        self.closed = True
        self._hub = getcurrent()
        for task in list(self._tasks):
            while task.is_alive() and task.unwound < UNWIND_LIMIT:
                task.unwound += 1
                task.greenlet.parent = self._hub
                self._active = task
                task.greenlet.throw(GreenletExit)
        self._active = self._hub = None
        self._tasks.clear()
        self._closers.clear()
        self._calendar.clear()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _usable(self) -> None:
        if get_ident() != self._thread:
            raise RuntimeError(
                "a simulation belongs to the thread that made it; this is another one"
            )
        if self.closed:
            raise RuntimeError("this simulation is closed")
        self._at_home()

    def _at_home(self) -> None:
        if CURRENT.get() is not (self._active or self._home):
            raise RuntimeError("this belongs to another simulation than the task that uses it")

    def _suspend(self, line: list[Waiter] | None, seconds: float | None, what: str) -> bool:
        """Suspend the caller: in `line` until somebody wakes it, at most `seconds`. True if
        woken.
        """
        task = self._active
        if task is None or self.closed or getcurrent() is not task.greenlet:
            if self.closed and task is not None:
                return self._unwind(task)
            self._usable()
        waiter = Waiter() if task is None else task
        waiter.done = waiter.notified = False
        if line is not None:
            line.append(waiter)
        if seconds is not None:
            self._calendar.at(self.now + seconds, waiter)
        if task is None:
            self._loop(None, waiter)
        else:
            task.waits_for = what
            self._pass_on(task)
        if line is not None and not waiter.notified:
            line.remove(waiter)
        return waiter.notified

    def _pass_on(self, task: SimTask) -> None:
        """Let the next one run, which may be this very task; return when its turn has come
        again.
        """
        self._idle += 1
        due = None if self._idle > IDLE_LIMIT else self._calendar.pop(self._until)
        if due is None:
            self._hub.switch(None)
            return
        self.now, appointment = due
        # begun here, it would begin at our depth
        if type(appointment) is not SimTask or not appointment.greenlet:
            self._hub.switch(appointment)
        elif appointment is not task:
            self._active = appointment
            appointment.greenlet.switch()

    def _notify(self, waiter: Waiter) -> None:
        """Wake a waiter after those who were woken before it."""
        waiter.notified = True
        self._calendar.at(self.now, waiter)

    def _ended(self, task: SimTask) -> None:
        """The last act of a task, in its own greenlet."""
        self._idle = 0
        self._tasks.pop(task, None)
        getcurrent().parent = self._hub
        if not task.joiners:
            self._failed = task.error
        if not self.closed:
            for waiter in task.joiners:
                self._notify(waiter)

    def _unwind(self, task: SimTask) -> bool:
        """Blocking in a simulation that is being closed: interrupted again, and in the end left
        parked.
        """
        task.unwound += 1
        if task.unwound > UNWIND_LIMIT:
            self._hub.switch()
        raise GreenletExit

    def _loop(self, until: float | None, waiter: Waiter | None) -> None:
        """Keep appointments: those up to `until`; or until `waiter` is woken; or while any that
        counts is left.
        """
        calendar, outer = self._calendar, (self._hub, self._until)
        self._hub, self._until = getcurrent(), until if waiter is None else math.inf
        self._idle, self._idle_since = 0, self.now
        try:
            while not (waiter is not None and waiter.done):
                due = calendar.pop(self._until)
                if due is None:
                    break
                appointment: Appointment | None
                self.now, appointment = due
                # not by recursion: a task may begin a task may begin a task
                while appointment is not None:
                    appointment = appointment.keep()
                if self._idle > IDLE_LIMIT:
                    self._check_idle(until)
        finally:
            self._hub, self._until = outer
        if waiter is not None and not waiter.done:
            raise SimulationError(f"nothing is left that could end this wait; {self._describe()}")

    def _check_idle(self, until: float | None) -> None:
        """Within `until`, time that moves is enough; without it, something has to happen."""
        if until is None or self.now == self._idle_since:
            raise SimulationError(
                f"{IDLE_LIMIT:,} wake-ups in a row achieved nothing; {self._describe()}"
            )
        self._idle, self._idle_since = 0, self.now

    def _describe(self) -> str:
        return "tasks: " + (", ".join(t.name for t in self._tasks) or "none")
