"""The part of a simulation that lets tasks take turns: suspend, wake, and choose which runs next.

Each task is a greenlet: a function that can be suspended in the middle of a call. A task that
blocks takes the next appointment from the calendar, sets the clock, and switches straight to the
task that is due; if that is the task itself, it continues. Everything else (a timer, a task that
has not begun, the end of the run, a task that failed) is left to the hub, the greenlet that called
`run()`. Only one task runs at a time, and tasks switch only where they block, so the same seed
gives the same run.
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
    """Raised when the simulated code can never finish: it waits for something that cannot happen,
    or repeats itself without any result.
    """


class Waiter(Appointment):
    """Something that can be suspended. A plain `Waiter` stands for the notebook's cell; tasks are a
    subclass.

    `done` is true once the wait is over; `notified` is true if it was woken, false if its time ran
    out.
    """

    __slots__ = ("done", "notified")

    def __init__(self, foreground: bool = True) -> None:
        super().__init__(foreground)
        self.done = self.notified = False

    def happen(self) -> Appointment | None:
        self.done = True
        return None


class SimTask(Waiter, Task):
    """A simulated task: a greenlet, its name, and a description of what it waits for."""

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
        # it holds the task's own stack; nothing of it runs before the first switch to it
        self.greenlet = greenlet(lambda: self._main(target, args))

    def happen(self) -> Appointment | None:
        """Continue the task; it may switch on to other tasks that are due. Return the appointment
        that the last of them left to the hub, or None.
        """
        sim = self.sim
        sim._active = self
        sim._idle += 1
        try:
            left = cast("Appointment | None", self.greenlet.switch())
        finally:
            sim._active = None
        if sim._failure is not None:
            # raised here, in the hub's greenlet, so that it reaches the cell that called `run()`
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
    """A clock in virtual time, the tasks, and the one task that is running (`_active`).

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
        # the task of another simulation that made this one, if any: it may use it like a cell
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
        """Suspend the caller, in `line` until it is woken, for at most `seconds` (None: no limit).
        Return True if it was woken, False if the time ran out. `what` describes the wait in errors.
        """
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
        # its time ran out: it still stands in the line, and would be woken for nothing
        if line is not None and not task.notified:
            line.remove(task)
        return task.notified

    def _suspend_cell(self, line: list[Waiter] | None, seconds: float | None) -> bool:
        """Run the simulation until the wait of the notebook's cell is over. The cell is no task, so
        it runs the loop itself.
        """
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
        """Let the next task run, which may be `task` itself; return when `task` runs again."""
        # counted here too, since this switch does not pass through `happen`
        self._idle += 1
        # too many idle steps: leave the decision to the hub, which can raise an error
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
        """Wake a waiter: it runs at the present time, after all that were woken earlier."""
        waiter.notified = True
        # through the calendar and not by a switch: the caller goes on, and the order stays fixed.
        # This entry also replaces the waiter's timeout, if it had one.
        self._calendar.at(self.now, waiter)

    def _end(self, task: SimTask) -> None:
        """Wake the tasks that wait for the end of this one. It is the last call in the task's
        greenlet.
        """
        self._idle = 0
        self._tasks.pop(task, None)
        # a greenlet that ends switches to its parent, which by default is the one that started it
        getcurrent().parent = self._hub
        # without a joiner no other task would ever see the error, so `run()` raises it
        if not task.joiners:
            self._failure = task.error
        if not self.closed:
            for waiter in task.joiners:
                self._wake(waiter)

    def _interrupt(self, task: SimTask) -> NoReturn:
        """End a task that blocks while the simulation is being closed. A task that is still alive
        after ten interruptions stays suspended.
        """
        task.interrupted += 1
        if task.interrupted > UNWIND_LIMIT:
            self._hub.switch()
        raise GreenletExit

    def _loop(self, until: float | None, waiter: Waiter | None) -> None:
        """Let appointments happen: those up to `until` (s); or, given a `waiter`, until its wait is
        over; or, without both, as long as something in the foreground is due.
        """
        calendar, outer = self._calendar, (self._hub, self._until)
        # While a cell waits there is no end time: with `inf` daemon tasks run too, as one of them
        # may wake the cell.
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
            # restored, since a timer's function may block, which runs a loop inside this one
            self._hub, self._until = outer
        if waiter is not None and not waiter.done:
            raise SimulationError(f"nothing is left that could end this wait; {self._describe()}")

    def _check_idle(self, until: float | None) -> None:
        """Raise SimulationError if the run would never end. With `until` (s) it is enough that time
        moves on; without it, something must have been recorded.
        """
        if until is None or self.now == self._idle_since:
            raise SimulationError(
                f"{IDLE_LIMIT:,} wake-ups in a row achieved nothing; {self._describe()}"
            )
        self._idle, self._idle_since = 0, self.now

    def _describe(self) -> str:
        return "tasks: " + (", ".join(t.name for t in self._tasks) or "none")
