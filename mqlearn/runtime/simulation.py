"""Virtual time: a discrete-event simulation that runs ordinary blocking code.

A notebook works with `Simulation`: it starts tasks, lets time pass, and closes. scheduler.py
decides which task runs, simtasks.py says what a task is, calendar.py holds what is due and when,
simlocks.py has the locks.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any

from greenlet import GreenletExit, getcurrent

from mqlearn.runtime import check
from mqlearn.runtime.base import Condition, Lock, Task, Timer
from mqlearn.runtime.calendar import Call
from mqlearn.runtime.scheduler import UNWIND_LIMIT, Scheduler, SimulationError
from mqlearn.runtime.simlocks import SimCondition, SimLock
from mqlearn.runtime.simtasks import SimTask


class Simulation(Scheduler):
    """Virtual time from 0, in seconds. Use it in a `with` block, or call `close()`: suspended tasks
    are not garbage collected.

    It belongs to the thread that made it. A blocking call outside any task (in a notebook's cell)
    lets time pass until the call has its answer.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._task_numbers = count()
        self._closers: list[Callable[[], object]] = []
        self._reported: BaseException | None = None
        self._more_reported = 0
        self._ended = False

    def current_task(self) -> Task | None:
        return self._active

    def stamp(self) -> tuple[float, str]:
        # a record is made, so the run is achieving something; `_count` in line, for speed
        self._idle = 0
        if self._left > 1:
            self._left -= 1
        else:
            self._count()
        task = self._active
        return self.now, "" if task is None else task.name

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
        self._check_usable()
        number = next(self._task_numbers)
        task = SimTask(self, target, args, f"task-{number}" if name is None else name, daemon)
        self._tasks[task] = None
        # it begins at the present time, but only when the caller blocks: `spawn` does not switch
        self._calendar.at(self.now, task)
        return task

    def sleep(self, seconds: float) -> None:
        # the quick test first, since the full check takes longer than the rest of a sleep
        if not (type(seconds) is float and 0 <= seconds < 1e300):
            seconds = check.number("seconds", seconds, low=0)
        self._suspend(None, seconds, "time to pass")

    def lock(self) -> Lock:
        return SimLock(self)

    def condition(self, lock: Lock | None = None) -> Condition:
        if lock is None:
            lock = SimLock(self)
        if not isinstance(lock, SimLock) or lock.sim is not self:
            raise ValueError(
                f"lock must be a lock of this simulation, got {check.short_repr(lock)}"
            )
        return SimCondition(lock)

    def call_at(self, time: float, fn: Callable[[], object], *, daemon: bool = False) -> Timer:
        time = check.number("time", time)
        check.function("fn", fn)
        check.instance("daemon", daemon, bool)
        self._check_usable()
        # a time that has passed means at once: the clock must never go back
        return Call(self._calendar, max(time, self.now), fn, not daemon)

    def at_close(self, fn: Callable[[], object]) -> None:
        check.function("fn", fn)
        self._closers.append(fn)

    def run(self, until: float | None = None) -> None:
        """Let time pass until `until` (seconds), including what is due at that instant; without it,
        until only daemons have anything left to do.

        Raises the exception of a task that failed if no other task had joined it, or of a timer's
        function; what is left goes on in the next `run()`. Raises `SimulationError` if the run
        would never end. After a KeyboardInterrupt the simulation can only be balanced and closed.
        """
        try:
            self._run(until)
        except BaseException as error:
            self._look_at(error)
            raise

    def _run(self, until: float | None) -> None:
        until = check.number("until", until, optional=True)
        self._check_usable()
        if self._active is not None or self._hub is not None:
            raise RuntimeError("run() was called inside the simulation that it is to run")
        if until is not None and until < self.now:
            raise ValueError(
                f"until must not be before now ({self.now:g}), got {check.short_repr(until)}"
            )
        self._loop(until, None)
        if until is not None:
            self.now = until
        self._raise_reported()
        # a task that waits for time or for a notification may be a server that is idle; one that
        # waits for a lock or for the end of a task can only be stuck
        stuck = [t for t in self._tasks if not t.daemon and t.waits_for.startswith("the ")]
        if until is None and stuck:
            raise SimulationError(
                "deadlock: " + "; ".join(f"{t.name} waits for {t.waits_for}" for t in stuck)
            )

    def report(self, error: BaseException) -> None:
        check.instance("error", error, BaseException)
        # the first is raised, the others are counted: a long run may report very many
        if self._reported is None:
            self._reported = error
        else:
            self._more_reported += 1

    def _raise_reported(self) -> None:
        """Raise the first error reported since the last call; it says how many others there are."""
        if self._reported is not None:
            (first, more), self._reported = (self._reported, self._more_reported), None
            self._more_reported = 0
            if more:
                first.add_note(f"({more} more were reported in this run)")
            raise first

    def close(self) -> None:
        """Freeze the traces, then end every task: raise `GreenletExit` in it, at most ten times per
        task. It may be called again, also after a KeyboardInterrupt.
        """
        if self._ended:
            return
        self._check_thread()
        inside = self._active
        # after two interrupts in a row a task may seem to run, though this is not its greenlet
        if inside is not None and (not self.interrupted or getcurrent() is inside.greenlet):
            raise RuntimeError("close() was called inside the simulation")
        try:
            # first: what the tasks do while they are ended is no part of the run, and must not be
            # traced
            self._call_closers()
            self.closed, self._going = True, 0
            for task in list(self._tasks):
                self._unwind(task)
            self._tasks.clear()
            self._calendar.clear()
            self._ended = True
        except KeyboardInterrupt:
            self._break_off()
            raise
        self._active = self._hub = None
        self._raise_reported()

    def _call_closers(self) -> None:
        """Call what was registered for the closing. One that fails is reported, and keeps neither
        the others nor the closing from happening.
        """
        while self._closers:
            closer = self._closers.pop(0)
            try:
                closer()
            except KeyboardInterrupt:
                self._closers.insert(0, closer)
                raise
            except BaseException as error:
                self.report(error)

    def _unwind(self, task: SimTask) -> None:
        """End a task: its `finally` blocks run. What they raise is no part of the run either."""
        self._hub = getcurrent()
        # the blocks may block again, and are then interrupted again; the limit is for a task that
        # catches the exception and goes on forever
        while task.is_alive() and task.interrupted < UNWIND_LIMIT:
            task.interrupted += 1
            # so that the task returns here when it ends
            task.greenlet.parent = self._hub
            self._active = task
            task.greenlet.throw(GreenletExit)
            failure, self._failure = self._failure, None
            if isinstance(failure, KeyboardInterrupt):
                raise failure

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except Exception:
            # an exception that leaves the block is more to the point than what was reported before
            if error is None:
                raise
