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
import weakref
from collections import deque
from threading import get_ident
from typing import Any

from greenlet import GreenletExit, getcurrent

from mqlearn.runtime.base import CURRENT, Runtime
from mqlearn.runtime.calendar import Appointment, Calendar
from mqlearn.runtime.handed_in import StopRun
from mqlearn.runtime.simtasks import SimTask, Waiter

IDLE_LIMIT = 100_000  # wake-ups in a row that achieved nothing; a run with more is called endless
# An instant with more than 6 times 100,000 records is called endless. Bursts are allowed: 100,000
# messages that are sent, received, handled and acked at one instant make 500,000 records.
ROUND, ROUNDS = 100_000, 6
# Two instants of so many locks taken are called endless: calls that make no record take them too.
GRABS = 1_500_000
UNWIND_LIMIT = 10  # times that close() interrupts a task which does not end


class SimulationError(RuntimeError):
    """Raised when the simulated code can never finish: it waits for something that cannot happen,
    or repeats itself without any result.
    """


class Scheduler(Runtime):
    """A clock in virtual time, the tasks, and the one task that is running (`_active`).

    Locks, conditions and `sleep` are built on two methods, `_suspend` and `_wake`.
    """

    virtual = True
    now = 0.0

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.closed = self.interrupted = False
        self._calendar = Calendar()
        self._hub: Any = None
        self._active: SimTask | None = None
        self._tasks: dict[SimTask, None] = {}  # a set that keeps its order
        self._until: float | None = None  # as in `Calendar.pop`, for the run that is going on
        self._failure: BaseException | None = None  # of a task that no other had joined
        self._idle, self._idle_since = 0, 0.0
        # how many more records until the next look at the clock, and how many looks at this instant
        self._left, self._looks, self._instant = ROUND, 0, 0.0
        self._grabs, self._grabbed_at = GRABS, -1.0
        self._half_done = False
        self._locks: weakref.WeakSet[Any] = weakref.WeakSet()  # all that are in use
        # the task of another simulation that made this one, if any: it may use it like a cell
        self._thread, self._creator = get_ident(), CURRENT.get()
        # This thread as long as the run goes on; 0 once it is closed or interrupted, or is to be
        # stopped as endless. A lock that is free asks only for this, so that nothing else costs it
        # time.
        self._going = self._thread

    def _check_thread(self) -> None:
        if get_ident() != self._thread:
            raise RuntimeError(
                "a simulation belongs to the thread that made it; this is another one"
            )

    def _check_usable(self) -> None:
        self._check_thread()
        if self.closed:
            raise RuntimeError("this simulation is closed")
        if self.interrupted:
            if self._active is not None:  # a task that has caught it
                raise KeyboardInterrupt
            raise RuntimeError("this simulation was interrupted and cannot go on; make a new one")
        self._check_task()

    def _check_task(self) -> None:
        if CURRENT.get() is not (self._active or self._creator):
            raise RuntimeError("this belongs to another simulation than the task that uses it")

    def _suspend(self, line: deque[Waiter] | None, seconds: float | None, what: str) -> bool:
        """Suspend the caller, in `line` until it is woken, for at most `seconds` (None: no limit).
        Return True if it was woken, False if the time ran out. `what` describes the wait in errors.
        """
        task = self._active
        if task is None:
            return self._suspend_cell(line, seconds)
        if not self._going:
            self._stop(task)
        if getcurrent() is not task.greenlet:  # another thread, or a greenlet of another simulation
            self._check_usable()
        task.notified = False
        task.waits_for = what
        try:
            if line is not None:
                line.append(task)
            if seconds is not None:
                self._calendar.at(self.now + seconds, task)
            self._switch_to_next(task)
        except KeyboardInterrupt:
            self._interrupt()  # the next appointment may be lost, so nothing may catch this
            raise
        # its time ran out: it still stands in the line, and would be woken for nothing
        if line is not None and not task.notified:
            line.remove(task)
        return task.notified

    def _suspend_cell(self, line: deque[Waiter] | None, seconds: float | None) -> bool:
        """Run the simulation until the wait of the notebook's cell is over. The cell is no task, so
        it runs the loop itself.
        """
        self._check_usable()
        cell = Waiter()
        try:
            if line is not None:
                line.append(cell)
            if seconds is not None:
                self._calendar.at(self.now + seconds, cell)
            self._loop(None, cell)
        except BaseException as error:
            self._look_at(error)
            raise
        finally:
            # also if the wait ended by an error: a cell that has gone must not be woken in place of
            # a task that waits
            self._calendar.cancel(cell)
            if line is not None and not cell.notified and cell in line:
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
        self._count()  # or a task that spawns a task at the same instant would never be noticed
        self._tasks.pop(task, None)
        # a greenlet that ends switches to its parent, which by default is the one that started it
        getcurrent().parent = self._hub
        # Without a joiner no other task would ever see the error, so `run()` raises it. An
        # interrupt is meant for the cell.
        if not task.joiners or isinstance(task.error, KeyboardInterrupt):
            self._failure = task.error
        if not self.closed:
            for waiter in task.joiners:
                self._wake(waiter)

    def _raise_failure(self) -> None:
        """Raise what a task has left for the cell that called `run()`. It is called in the hub's
        greenlet.
        """
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _stop(self, task: SimTask) -> None:
        """End a task that blocks while the simulation is closed or interrupted, or stop an endless
        run. A task that is still alive after ten times stays suspended.
        """
        if not (self.closed or self.interrupted):
            self._stop_endless()
            return
        task.interrupted += 1
        if task.interrupted > UNWIND_LIMIT and self._hub is not None:
            self._hub.switch()
        raise GreenletExit if self.closed else KeyboardInterrupt

    def _look_at(self, error: BaseException) -> None:
        """Break off if the error that leaves a run may have left something half done."""
        if self._half_done or isinstance(error, KeyboardInterrupt):
            self._break_off()

    def _break_off(self) -> None:
        """Mark the simulation as interrupted, outside all tasks. A KeyboardInterrupt can come at
        any step: a change may be half made, and a task that holds a lock may never run again.
        """
        self._interrupt()
        self._active = self._hub = self._failure = None

    def _interrupt(self) -> None:
        """Mark the simulation as interrupted, also within a task: if handed-in code catches the
        KeyboardInterrupt, it comes again where a task next blocks.
        """
        self.interrupted = True
        self._going = 0

    def _count(self) -> None:
        """Count one thing that happened. After very many of them at one instant, mark the run as
        endless: it is stopped where a task next takes a lock or blocks, since no change is half
        made there.
        """
        self._left -= 1
        if not self._left:
            self._left = ROUND
            self._looks = self._looks + 1 if self.now == self._instant else 0
            self._instant = self.now
            if self._looks >= ROUNDS:
                self._going = 0

    def _count_grabs(self) -> None:
        """Count many locks that were taken, as `_count` does what happened: a task that takes
        millions of them at one instant makes calls that never let time pass.
        """
        self._grabs = GRABS
        endless = self.now == self._grabbed_at
        self._grabbed_at = self.now
        if endless:
            self._going, self._instant = 0, self.now

    def _stop_endless(self) -> None:
        """Let `run()` raise SimulationError. The caller would go on here in a further run."""
        self._going, self._looks = self._thread, 0
        task = self._active
        # the clock has moved since; or a cell sends very much by itself, in no run
        if self.now != self._instant or self._hub is None:
            return
        # What it was doing under a lock will never be done, so it is as if it was interrupted. This
        # cannot be seen in the task: only a lock knows its owner.
        self._half_done = any(lock._owner is (task or self) for lock in list(self._locks))
        self._failure = SimulationError(
            f"more than {ROUND * ROUNDS:,} records at one instant, {self.now:g} s, or "
            f"{GRABS:,} calls without any: what goes on "
            f"takes no time; {self._describe()}"
        )
        if task is None:
            raise StopRun  # the function of a timer: no handler's guard catches this
        self._calendar.at(self.now, task)
        self._hub.switch(None)

    def _loop(self, until: float | None, waiter: Waiter | None) -> None:
        """Let appointments happen: those up to `until` (s); or, given a `waiter`, until its wait is
        over; or, without both, as long as something in the foreground is due.
        """
        calendar, outer = self._calendar, (self._hub, self._until)
        # While a cell waits there is no end time: with `inf` daemon tasks run too, as one of them
        # may wake the cell.
        self._hub, self._until = getcurrent(), until if waiter is None else math.inf
        self._idle, self._idle_since = 0, self.now
        if outer[0] is None:  # what the cell itself did before is no part of this run
            self._left, self._looks, self._going = ROUND, 0, self._thread
        try:
            while not (waiter is not None and waiter.done):
                due = calendar.pop(self._until)
                if due is None:
                    break
                appointment: Appointment | None
                self.now, appointment = due
                # a loop, not recursion: a task may begin a task that begins a task, and so on
                while appointment is not None:
                    self._idle += 1
                    appointment = appointment.happen()
                self._count()
                if not self._going:
                    if self.interrupted:  # within, and what it interrupted has gone on
                        raise KeyboardInterrupt
                    self._stop_endless()
                if self._idle > IDLE_LIMIT:
                    # a cell that waits for a time only has a place in the calendar
                    self._check_idle(until is not None or (waiter is not None and waiter.serial))
        except BaseException as error:
            if isinstance(error, StopRun):
                self._raise_failure()
            # else something that a task did after it was interrupted
            if self.interrupted and not isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            raise
        finally:
            # restored, since a timer's function may block, which runs a loop inside this one
            self._hub, self._until = outer
        if waiter is not None and not waiter.done:
            raise SimulationError(f"nothing is left that could end this wait; {self._describe()}")

    def _check_idle(self, ends: object) -> None:
        """Raise SimulationError if the run would never end. If it `ends` at some time, it is enough
        that time moves on; else something must have been recorded.
        """
        if not ends or self.now == self._idle_since:
            raise SimulationError(
                f"{IDLE_LIMIT:,} wake-ups in a row achieved nothing; {self._describe()}"
            )
        self._idle, self._idle_since = 0, self.now

    def _describe(self) -> str:
        return "tasks: " + (", ".join(t.name for t in self._tasks) or "none")
