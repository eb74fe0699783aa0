"""Real threads and real time."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, cast

from mqlearn.runtime import check
from mqlearn.runtime.base import CURRENT, Condition, Lock, Runtime, Task, Timer


class Thread(Task):
    """A task that runs on its own thread."""

    def __init__(
        self, target: Callable[..., object], args: tuple[Any, ...], name: str | None, daemon: bool
    ) -> None:
        self.daemon = daemon
        self._target, self._args = target, args
        # always a daemon thread for Python: a worker that was forgotten must not keep the process
        # alive
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.name = self._thread.name
        self._joined = False

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        CURRENT.set(self)
        try:
            self._target(*self._args)
        except BaseException as error:
            # raised again by join(); shown at once if no task has joined yet
            self.error = error
            if not self._joined:
                show(error)
        finally:
            # a finished task must not keep its queue and handler alive
            del self._target, self._args

    def join(self, timeout: float | None = None) -> None:
        check.number("timeout", timeout, low=0, optional=True)
        self._joined = True
        self._thread.join(timeout)
        if self.error is not None:
            raise self.error

    def is_alive(self) -> bool:
        return self._thread.is_alive()


class QuietCondition(threading.Condition):
    """A condition whose `notify` is very cheap while no thread waits, which is nearly always so."""

    def notify(self, n: int = 1) -> None:
        if self._waiters:  # type: ignore[attr-defined]
            super().notify(n)

    def notify_all(self) -> None:
        if self._waiters:  # type: ignore[attr-defined]
            super().notify_all()


class Alarm:
    """A call that the timer thread makes at `time` (s)."""

    def __init__(self, time: float, fn: Callable[[], object]) -> None:
        self.time = time
        self.fn: Callable[[], object] | None = fn

    def cancel(self) -> None:
        self.fn = None


class ThreadRuntime(Runtime):
    """Tasks are threads and time is real. `now` is the wall clock's time (s since the epoch) when
    the runtime was made, plus the monotonic seconds since then.

    One thread serves all timers and starts with the first of them. A timer's `fn` should not wait,
    or all other timers are late.
    """

    virtual = False

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        # the wall clock can be set back while a program runs, the monotonic clock cannot
        self._start = time.time() - time.monotonic()
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._ordinal = itertools.count()
        self._due = threading.Condition(threading.Lock())
        self._timer_thread: threading.Thread | None = None

    def fresh(self, seed: int) -> ThreadRuntime:
        """Return another runtime with this seed, and a clock that starts at 0 s now: the times of a
        run count from there.
        """
        fresh = type(self)(seed)
        fresh._start = -time.monotonic()
        return fresh

    @property
    def now(self) -> float:
        return self._start + time.monotonic()

    def sleep(self, seconds: float) -> None:
        check.number("seconds", seconds, low=0)
        time.sleep(seconds)

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
        thread = Thread(target, args, name, daemon)
        thread.start()
        return thread

    def lock(self) -> Lock:
        return cast(Lock, threading.RLock())

    def condition(self, lock: Lock | None = None) -> Condition:
        # not one of a simulation
        check.instance("lock", lock, type(threading.RLock()), optional=True)
        return QuietCondition(cast(Any, lock))

    def call_at(self, time: float, fn: Callable[[], object], *, daemon: bool = False) -> Timer:
        check.number("time", time)
        check.function("fn", fn)
        check.instance("daemon", daemon, bool)  # every timer of threads is one
        alarm = Alarm(time, fn)
        with self._due:
            # the ordinal keeps equal times in order, and an alarm is never compared with another
            heapq.heappush(self._alarms, (time, next(self._ordinal), alarm))
            if self._timer_thread is None:
                self._timer_thread = threading.Thread(
                    target=self._serve, name="mqlearn-timer", daemon=True
                )
                self._timer_thread.start()
            # the timer thread sleeps until the alarm that was first; only an earlier one must wake
            # it
            elif self._alarms[0][2] is alarm:
                self._due.notify()
        return alarm

    def report(self, error: BaseException) -> None:
        check.instance("error", error, BaseException)
        task = CURRENT.get()
        if task is not None and task.error is None:
            task.error = error  # its `join()` raises it
        else:
            show(error)

    def _serve(self) -> None:
        while True:
            with self._due:
                while not self._alarms or (wait := self._alarms[0][0] - self.now) > 0:
                    self._due.wait(min(wait, threading.TIMEOUT_MAX) if self._alarms else None)
                alarm = heapq.heappop(self._alarms)[2]
            # outside the lock, since `fn` may set another timer
            self._ring(alarm)

    @staticmethod
    def _ring(alarm: Alarm) -> None:
        # None if it was cancelled; and the alarm lets go of what `fn` refers to
        fn, alarm.fn = alarm.fn, None
        if fn is None:
            return
        try:
            fn()
        except BaseException as error:  # one bad call must not stop all other timers
            show(error)


def show(error: BaseException) -> None:
    """Show an error that no `join()` will raise, as Python shows one that ends a thread."""
    threading.excepthook(
        threading.ExceptHookArgs(
            (type(error), error, error.__traceback__, threading.current_thread())
        )
    )


_default: list[ThreadRuntime] = []
_default_lock = threading.Lock()


def default_runtime() -> ThreadRuntime:
    """The one `ThreadRuntime` of this process, made at the first call."""
    with _default_lock:
        if not _default:
            _default.append(ThreadRuntime())
        return _default[0]
