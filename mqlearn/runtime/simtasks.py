"""A simulated task, and whatever else can be suspended and woken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, cast

from greenlet import GreenletExit, greenlet

from mqlearn.runtime import check
from mqlearn.runtime.base import CURRENT, Task, without_exit
from mqlearn.runtime.calendar import Appointment
from mqlearn.runtime.unbegun import check_ran


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
        sim: Any,  # a `Scheduler`, whose file imports this one
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
        self.joiners: deque[Waiter] = deque()
        # it holds the task's own stack; nothing of it runs before the first switch to it
        self.greenlet = greenlet(lambda: self._main(target, args))

    def happen(self) -> Appointment | None:
        """Continue the task; it may switch on to other tasks that are due. Return the appointment
        that the last of them left to the hub, or None.
        """
        sim = self.sim
        sim._active = self
        # whatever escapes from the task's own code reaches the hub, not the task that spawned it
        self.greenlet.parent = sim._hub
        try:
            left = cast("Appointment | None", self.greenlet.switch())
        finally:
            sim._active = None
        sim._raise_failure()
        return left

    def _main(self, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        CURRENT.set(self)
        try:
            check_ran(target(*args))
        except GreenletExit:
            pass  # raised by close()
        except BaseException as error:  # raised again by join(), or by run()
            self.error = without_exit(error, self.name)
            if _began_as_interrupt(error):
                self.sim._interrupt()
        self.sim._end(self)

    def join(self, timeout: float | None = None) -> None:
        check.number("timeout", timeout, low=0, optional=True)
        if self.is_alive():
            self.sim._suspend(self.joiners, timeout, f"the end of {self.name}")
        if self.error is not None:
            raise self.error

    def is_alive(self) -> bool:
        return not self.greenlet.dead


def _began_as_interrupt(error: BaseException | None) -> bool:
    """Return True if this error was raised while a KeyboardInterrupt was handled, such as by a
    `finally` block that found a change half made.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
