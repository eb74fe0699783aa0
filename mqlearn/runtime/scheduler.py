"""The part of a simulation that lets tasks take turns: suspend, wake, and what runs next.

Each task is a greenlet. A task that blocks takes the next appointment from the calendar, sets the
clock, and switches straight to the task that is due; if that is the task itself, it simply goes on.
Everything else (a timer, a task that has not begun, the end of the run, a task that failed) is left
to the hub, the greenlet that called `run()`. Only one task runs at a time, and they switch only
where they block, so the same seed gives the same run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import get_ident
from typing import Any, NoReturn, cast

from greenlet import GreenletExit, getcurrent, greenlet

from mqlearn.runtime import check
from mqlearn.runtime.base import CURRENT, Runtime, Task
from mqlearn.runtime.calendar import Appointment, Calendar

IDLE_LIMIT = 100_000  # wake-ups in a row that achieved nothing; a run with more is called endless
UNWIND_LIMIT = 10  # times that close() interrupts a task which does not end


class SimulationError(RuntimeError):
    """The simulated code can never go on: it waits for something that cannot come, or runs in
    circles.
    """


class Waiter(Appointment):
    """Something that can be suspended; a plain one stands for the notebook's own cell.

    `done` tells that the wait is over, `notified` that it was woken and did not run out of time.
    """

    __slots__ = ("done", "notified")

    def __init__(self, foreground: bool = True) -> None:
        super().__init__(foreground)
        self.done = self.notified = False

    def happen(self) -> Appointment | None:
        self.done = True
        return None


class SimTask(Waiter, Task):
    """A simulated task: a greenlet, and what it waits for."""

    def __init__(
        self,
        sim: Scheduler,
        target: Callable[..., object],
        args: tuple[Any, ...],
        name: str,
        daemon: bool,
    ) -> None:
        super().__init__(not daemon)
        self.name, self.daemon = name, daemon
        self.waits_for = ""
        self.interrupted = 0  # times, by close()
        self.sim = sim
        self.joiners: list[Waiter] = []
        self.greenlet = greenlet(lambda: self._main(target, args))

    def happen(self) -> Appointment | None:
        """Run on, and let the tasks that are due next run; return the appointment that the last of
        them left to the hub, if any.
        """
        sim = self.sim
        sim._active = self
        sim._idle += 1
        try:
            left = cast("Appointment | None", self.greenlet.switch())
        finally:
            sim._active = None
        if sim._failure is not None:
            failure, sim._failure = sim._failure, None
            raise failure
        return left

    def _main(self, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        CURRENT.set(self)
        try:
            target(*args)
        except GreenletExit:
            pass  # raised by close()
        except BaseException as error:  # raised again by join(), or by run()
            self.error = error
        self.sim._end(self)

    def join(self, timeout: float | None = None) -> None:
        check.number("timeout", timeout, low=0, optional=True)
        if self.is_alive():
            self.sim._suspend(self.joiners, timeout, f"the end of {self.name}")
        if self.error is not None:
            raise self.error

    def is_alive(self) -> bool:
        return not self.greenlet.dead


class Scheduler(Runtime):
    """A clock in virtual time, the tasks, and the one of them that runs (`_active`).

    Locks, conditions and `sleep` are built on two methods, `_suspend` and `_wake`.
    """

    virtual = True
    now = 0.0

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.closed = False
        self._calendar = Calendar()
        self._hub: Any = None
        self._active: SimTask | None = None
        self._tasks: dict[SimTask, None] = {}  # a set that keeps its order
        self._until: float | None = None  # as in `Calendar.pop`, for the run that is going on
        self._failure: BaseException | None = None  # of a task that no other had joined
        self._idle, self._idle_since = 0, 0.0
        self._thread, self._creator = get_ident(), CURRENT.get()

    def _check_usable(self) -> None:
        if get_ident() != self._thread:
            raise RuntimeError(
                "a simulation belongs to the thread that made it; this is another one"
            )
        if self.closed:
            raise RuntimeError("this simulation is closed")
        self._check_task()

    def _check_task(self) -> None:
        if CURRENT.get() is not (self._active or self._creator):
            raise RuntimeError("this belongs to another simulation than the task that uses it")

    def _suspend(self, line: list[Waiter] | None, seconds: float | None, what: str) -> bool:
        """Suspend the caller: in `line` until it is woken, at most `seconds`. True if woken."""
        task = self._active
        if task is None:
            return self._suspend_cell(line, seconds)
        if self.closed:
            self._interrupt(task)
        if getcurrent() is not task.greenlet:  # another thread, or a greenlet of another simulation
            self._check_usable()
        task.notified = False
        task.waits_for = what
        if line is not None:
            line.append(task)
        if seconds is not None:
            self._calendar.at(self.now + seconds, task)
        self._switch_to_next(task)
        if line is not None and not task.notified:
            line.remove(task)
        return task.notified

    def _suspend_cell(self, line: list[Waiter] | None, seconds: float | None) -> bool:
        """Let the simulation run until the notebook's cell, which called from outside, is woken."""
        self._check_usable()
        cell = Waiter()
        if line is not None:
            line.append(cell)
        if seconds is not None:
            self._calendar.at(self.now + seconds, cell)
        self._loop(None, cell)
        if line is not None and not cell.notified:
            line.remove(cell)
        return cell.notified

    def _switch_to_next(self, task: SimTask) -> None:
        """Let the next task run, which may be `task` again; return when its turn has come."""
        self._idle += 1
        due = None if self._idle > IDLE_LIMIT else self._calendar.pop(self._until)
        if due is None:
            self._hub.switch(None)
            return
        self.now, appointment = due
        if appointment is task:
            return
        # A switch from here saves the way over the hub. But a greenlet begins at the recursion
        # depth of the one that starts it, so tasks that have not begun are left to the hub.
        if type(appointment) is SimTask and appointment.greenlet:
            self._active = appointment
            appointment.greenlet.switch()
        else:
            self._hub.switch(appointment)

    def _wake(self, waiter: Waiter) -> None:
        """Wake a waiter, after those that were woken before it."""
        waiter.notified = True
        self._calendar.at(self.now, waiter)

    def _end(self, task: SimTask) -> None:
        """Wake the tasks that wait for the end of this one; the last call of its greenlet."""
        self._idle = 0
        self._tasks.pop(task, None)
        getcurrent().parent = self._hub
        if not task.joiners:
            self._failure = task.error
        if not self.closed:
            for waiter in task.joiners:
                self._wake(waiter)

    def _interrupt(self, task: SimTask) -> NoReturn:
        """End a task that blocks while the simulation is being closed; one that goes on after ten
        interruptions stays suspended.
        """
        task.interrupted += 1
        if task.interrupted > UNWIND_LIMIT:
            self._hub.switch()
        raise GreenletExit

    def _loop(self, until: float | None, waiter: Waiter | None) -> None:
        """Let appointments happen: those up to `until` (s); or until `waiter` is woken; or as long
        as something in the foreground is to come.
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
                # a loop, not recursion: a task may begin a task that begins a task, and so on
                while appointment is not None:
                    appointment = appointment.happen()
                if self._idle > IDLE_LIMIT:
                    self._check_idle(until)
        finally:
            self._hub, self._until = outer
        if waiter is not None and not waiter.done:
            raise SimulationError(f"nothing is left that could end this wait; {self._describe()}")

    def _check_idle(self, until: float | None) -> None:
        """Raise SimulationError if the run would never end: with `until` (s), time that moves is
        enough; without it, something has to be recorded.
        """
        if until is None or self.now == self._idle_since:
            raise SimulationError(
                f"{IDLE_LIMIT:,} wake-ups in a row achieved nothing; {self._describe()}"
            )
        self._idle, self._idle_since = 0, self.now

    def _describe(self) -> str:
        return "tasks: " + (", ".join(t.name for t in self._tasks) or "none")
