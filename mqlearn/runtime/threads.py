"""Real threads and real time."""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, cast

from mqlearn.runtime import check
from mqlearn.runtime.base import CURRENT, Condition, Lock, Runtime, Task, Timer, without_exit
from mqlearn.runtime.calendar import FEW
from mqlearn.runtime.unbegun import check_ran

# Seconds of one wait. Windows allows no more than 49 days; `time.sleep` fails if now and the time
# together are more than 292 years.
LONGEST = min(threading.TIMEOUT_MAX, 1e6)
FORK_WAIT = 0.1  # seconds that a fork waits for each lock


def in_parts(wait: Callable[[float], object], seconds: float) -> bool:
    """Call `wait(seconds)`, and return whether it ended before its time. A time that is longer than
    the system can wait at once is waited for in parts.
    """
    end = time.monotonic() + seconds
    while seconds > LONGEST:
        if wait(LONGEST):
            return True
        seconds = max(0.0, end - time.monotonic())
    return bool(wait(seconds))


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
            check_ran(self._target(*self._args))
        except BaseException as error:
            # raised again by join(); shown at once if no task has joined yet
            self.error = without_exit(error, self.name)
            if not self._joined:
                show(self.error)
        finally:
            # a finished task must not keep its queue and handler alive
            del self._target, self._args

    def join(self, timeout: float | None = None) -> None:
        timeout = check.number("timeout", timeout, low=0, optional=True)
        self._joined = True
        if timeout is None:
            self._thread.join()
        else:
            in_parts(self._ends_within, timeout)
        if self.error is not None:
            raise self.error

    def _ends_within(self, timeout: float) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        return self._thread.is_alive()


class QuietCondition(threading.Condition):
    """A condition whose `notify` is very cheap while no thread waits, which is nearly always so."""

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None or timeout <= LONGEST:
            return super().wait(timeout)
        # the lock is held between two parts, so no notification is missed
        return in_parts(super().wait, timeout)

    def notify(self, n: int = 1) -> None:
        if self._waiters:  # type: ignore[attr-defined]
            super().notify(n)

    def notify_all(self) -> None:
        if self._waiters:  # type: ignore[attr-defined]
            super().notify_all()


class InUse:
    """Objects that are in use somewhere; threads may add to them while others read them."""

    def __init__(self) -> None:
        self._objects: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def add(self, thing: object) -> None:
        """Add an object, without keeping it alive."""
        self._objects[id(thing)] = thing

    def all(self) -> list[Any]:
        """Return those that are alive."""
        # the list of references is made in one step, which an iteration is not
        return [thing for ref in self._objects.valuerefs() if (thing := ref()) is not None]


class Alarm:
    """A call that the timer thread makes at `time` (s)."""

    def __init__(self, runtime: ThreadRuntime, time: float, fn: Callable[[], object]) -> None:
        self._runtime, self.time = runtime, time
        self.fn: Callable[[], object] | None = fn

    def cancel(self) -> None:
        if self.fn is not None:
            self.fn = None
            self._runtime._forget_one()


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
        self._void = 0  # how many of them are cancelled, at most
        self._due = threading.Condition(threading.Lock())
        self._timer_thread: threading.Thread | None = None
        # all that are in use, for the child of a fork
        self._locks, self._conditions = InUse(), InUse()
        self._paused: list[Any] = []
        RUNTIMES.add(self)

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
        in_parts(time.sleep, check.number("seconds", seconds, low=0))

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
        lock = threading.RLock()
        self._locks.add(lock)
        return cast(Lock, lock)

    def condition(self, lock: Lock | None = None) -> Condition:
        # not one of a simulation
        check.instance("lock", lock, type(threading.RLock()), optional=True)
        condition = QuietCondition(cast(Any, self.lock() if lock is None else lock))
        self._conditions.add(condition)
        return condition

    def call_at(self, time: float, fn: Callable[[], object], *, daemon: bool = False) -> Timer:
        time = check.number("time", time)
        check.function("fn", fn)
        check.instance("daemon", daemon, bool)  # every timer of threads is one
        alarm = Alarm(self, time, fn)
        with self._due:
            # the ordinal keeps equal times in order, and an alarm is never compared with another
            heapq.heappush(self._alarms, (time, next(self._ordinal), alarm))
            if self._timer_thread is None:
                self._start_timer_thread()
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

    def _start_timer_thread(self) -> None:
        self._timer_thread = threading.Thread(target=self._serve, name="mqlearn-timer", daemon=True)
        self._timer_thread.start()

    def _forget_one(self) -> None:
        """Count one more cancelled alarm; remove them all once they are more than the others."""
        with self._due:
            self._void += 1
            if self._void > FEW and 2 * self._void > len(self._alarms):
                kept = [item for item in self._alarms if item[2].fn is not None]
                heapq.heapify(kept)
                self._alarms, self._void = kept, 0

    def _before_fork(self) -> None:
        """Take every lock, so that no other thread is in the middle of a change when the child gets
        its copy. One that is held for long, by handed-in code, is not waited for.
        """
        self._paused = [lock for lock in self._locks.all() if lock.acquire(timeout=FORK_WAIT)]

    def _after_fork(self) -> None:
        for lock in self._paused:
            lock.release()
        self._paused = []

    def _after_fork_in_child(self) -> None:
        """Go on in the child of a fork. It has one thread: what the others held or waited for there
        is free again, and a new thread serves the timers.
        """
        self._after_fork()
        self.forks += 1
        for lock in self._locks.all():
            if not lock._is_owned():  # else by the thread that forks, which goes on here
                lock._at_fork_reinit()
        for condition in self._conditions.all():
            condition._waiters.clear()
        self._due = threading.Condition(threading.Lock())
        self._timer_thread = None
        if self._alarms:
            self._start_timer_thread()

    def _serve(self) -> None:
        # until another thread has taken over: a timer's function may fork
        while self._timer_thread is threading.current_thread():
            with self._due:
                while not self._alarms or (wait := self._alarms[0][0] - self.now) > 0:
                    self._due.wait(min(wait, LONGEST) if self._alarms else None)
                alarm = heapq.heappop(self._alarms)[2]
                if alarm.fn is None:
                    self._void -= 1
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
    error = without_exit(error, threading.current_thread().name)  # Python would not show that
    threading.excepthook(
        threading.ExceptHookArgs(
            (type(error), error, error.__traceback__, threading.current_thread())
        )
    )


RUNTIMES = InUse()
_default: list[ThreadRuntime] = []
_default_lock = threading.Lock()


def default_runtime() -> ThreadRuntime:
    """The one `ThreadRuntime` of this process, made at the first call."""
    with _default_lock:
        if not _default:
            _default.append(ThreadRuntime())
        return _default[0]


def _all_runtimes(method: Callable[[ThreadRuntime], None]) -> Callable[[], None]:
    """A function that calls this method of every runtime."""

    def call() -> None:
        for runtime in RUNTIMES.all():
            method(runtime)

    return call


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_all_runtimes(ThreadRuntime._before_fork),
        after_in_parent=_all_runtimes(ThreadRuntime._after_fork),
        after_in_child=_all_runtimes(ThreadRuntime._after_fork_in_child),
    )
    os.register_at_fork(after_in_child=cast(Any, _default_lock)._at_fork_reinit)
