"""The worker pool that serves every processor: start, stop, scale, crash, restart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count as _from_zero
from typing import NamedTuple

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task, Timer, WorkerCrash


class WorkerCounts(NamedTuple):
    """The workers of a pool at one instant, as numbers of workers.

    `starting` ones are ordered and do not work yet; `running` ones take work; `leaving` ones were
    told to stop and have not ended. `busy` of the running and leaving ones have work in hand.
    """

    starting: int
    running: int
    leaving: int
    busy: int

    @property
    def paid(self) -> int:
        """All that cost money: a worker is paid from the order to its end."""
        return self.starting + self.running + self.leaving


class WorkerPool:
    """Workers that each run `work()` until they are told to stop.

    `work` is a loop that returns when `told_to_stop()` is true. When it ends by a `WorkerCrash`,
    the worker waits `restart_after` seconds and begins again, as a supervisor would start a new
    process. Any other exception is a bug: it ends the worker, is shown at once on threads, and is
    raised once: by `run()` in a simulation, else by the next `stop()`.

    From the first `scale_to` on, `changed(counts)` hears of each change of the number of workers.
    A worker that has work in hand is in `busy`, where `work` puts it.
    """

    def __init__(
        self,
        runtime: Runtime,
        work: Callable[[], None],
        *,
        restart_after: float = 1.0,
        changed: Callable[[WorkerCounts], None] | None = None,
    ) -> None:
        self.restart_after = check.number("restart_after", restart_after, low=0)
        self.started = self.stopping = False
        self.workers: list[Task] = []
        self.busy: set[Task | None] = set()
        self._raised: list[Task] = []  # those whose error was raised already
        self._runtime = runtime
        self._work = work
        # a condition, so that `stop` can interrupt the wait before a restart
        self._stop = runtime.condition()
        self._changed = changed
        self._scaled = False
        self._name, self._numbers = "worker", _from_zero()
        self._starting: dict[str, Timer] = {}  # by the worker's name, the newest order last
        self._alive: set[Task] = set()
        # Workers to go, whichever of them asks first: so those that are idle go before the busy
        # ones.
        self._surplus = 0
        self._told: set[Task] = set()  # those that have asked, and have not ended yet
        self._paid, self._paid_until = 0.0, runtime.now  # worker-seconds, up to this time (s)

    def start(self, count: int, name: str = "worker") -> None:
        """Start `count` workers, called `name`-0, `name`-1, … Raises RuntimeError if some are
        running.
        """
        check.whole("count", count, low=1)
        self.check_ended()
        with self._stop:
            self.stopping, self._raised, self.workers = False, [], []
            self.started, self._surplus = True, 0
            self._name, self._numbers = name, _from_zero()
            self._account()
            for _ in range(count):
                self._begin(f"{name}-{next(self._numbers)}")

    def check_ended(self) -> None:
        """Raise RuntimeError if a worker is still running or starting, also one that was told to
        stop and has not finished.
        """
        if self._starting or any(worker.is_alive() for worker in self.workers):
            raise RuntimeError("the workers are running already; stop them first")

    def scale_to(self, count: int, wake: Callable[[], None], *, start_up: float = 0.0) -> None:
        """Let `count` workers be running or starting; `wake()` those that wait if there are too
        many.

        A new one works after `start_up` seconds. If there are too many, the starting ones are
        cancelled first, the newest before the others; then workers leave, those that are idle at
        once, those that are busy after their job. Raises RuntimeError if `start` was not called, or
        `stop` was.
        """
        # by the name that it has for the callers of a processor
        count = check.whole("num_workers", count, low=0)
        start_up = check.number("start_up", start_up, low=0)
        with self._stop:
            if not self.started:
                raise RuntimeError("the workers must be started before they can be scaled")
            self._scaled = True
            self._account()
            # the tasks of those that left are forgotten, but for what one may have died of
            self.workers = [w for w in self.workers if w.is_alive() or w.error is not None]
            now = self.counts()
            more = count - now.starting - now.running
            self._add(more, start_up) if more > 0 else self._remove(-more)
            self._report()
        # after the lock is released: a queue that wakes its workers holds its own lock, under which
        # they ask for this one
        if more < 0:
            wake()

    def _add(self, more: int, start_up: float) -> None:
        # those that were to leave and have not asked yet stay: they need no start
        kept = min(more, self._surplus)
        self._surplus -= kept
        for _ in range(more - kept):
            name = f"{self._name}-{next(self._numbers)}"
            if start_up:
                ready = self._runtime.now + start_up
                self._starting[name] = self._runtime.call_at(ready, partial(self._end_start, name))
            else:
                self._begin(name)

    def _remove(self, fewer: int) -> None:
        while fewer and self._starting:
            _, start = self._starting.popitem()
            start.cancel()
            fewer -= 1
        self._surplus += fewer
        self._stop.notify_all()  # also one that waits for its restart may leave

    def _end_start(self, name: str) -> None:
        """Let a worker that was starting begin to work."""
        with self._stop:
            self._account()
            # it may have been cancelled at this very moment
            if self._starting.pop(name, None) is not None:
                self._begin(name)
                self._report()

    def _begin(self, name: str) -> None:
        task = self._runtime.spawn(self._run, name=name)
        self.workers.append(task)
        self._alive.add(task)

    def told_to_stop(self) -> bool:
        """Return True if the worker that asks must stop; from then on it is always told so."""
        if self.stopping:
            return True
        if not self._surplus and not self._told:
            return False  # the usual case first: it is asked twice per message
        task = self._runtime.current_task()
        with self._stop:
            if self._surplus and task in self._alive and task not in self._told:
                self._surplus -= 1
                self._told.add(task)
            return task in self._told

    def counts(self) -> WorkerCounts:
        """Return how many workers there are, by what they do."""
        with self._stop:
            alive = len(self._alive)
            leaving = alive if self.stopping else self._surplus + len(self._told)
            busy = sum(worker in self.busy for worker in self._alive)
            return WorkerCounts(len(self._starting), alive - leaving, leaving, busy)

    def paid_seconds(self) -> float:
        """Return the worker-seconds so far: each worker is paid from its order to its end."""
        with self._stop:
            self._account()
            return self._paid

    def _account(self) -> None:
        """Add the worker-seconds since the last call; to be called before their number changes."""
        now = self._runtime.now
        paid = len(self._starting) + len(self._alive)
        self._paid, self._paid_until = self._paid + paid * (now - self._paid_until), now

    def _report(self) -> None:
        if self._scaled and self._changed is not None:
            self._changed(self.counts())

    def stop(self, wake: Callable[[], None], timeout: float | None = None) -> None:
        """Tell every worker to stop, `wake()` those that wait, and wait until all have ended, at
        most `timeout` seconds. Then raise what one of them died of, if no call has raised it yet.

        Raises TimeoutError that names those which still work; they end when they have finished. If
        a worker itself calls this, it does not wait for the others: two workers that did so would
        wait for each other forever.
        """
        timeout = check.number("timeout", timeout, low=0, optional=True)
        if self._runtime.virtual:
            self._raised += [worker for worker in self.workers if not worker.is_alive()]
        # `stopping` is set under the lock: a worker cannot look at it, miss the notification, and
        # then wait the whole `restart_after`
        with self._stop:
            self._account()
            self._remove(len(self._starting))
            self.stopping, self.started = True, False
            self._report()
        # after `stopping` is set, or a woken worker would find no reason to stop and wait again
        wake()
        if self._runtime.current_task() in self.workers:
            return
        deadline = None if timeout is None else self._runtime.now + timeout
        for worker in self.workers:
            self._wait_for(worker, deadline)
        working = [worker.name for worker in self.workers if worker.is_alive()]
        if working:
            raise TimeoutError(f"still working after {timeout:g} s: {', '.join(working)}")
        self._raise_once()

    def _wait_for(self, worker: Task, deadline: float | None) -> None:
        """Wait until a worker has ended, whatever it died of, at most until `deadline` (s)."""
        left = None
        while worker.is_alive() and left != 0:
            left = None if deadline is None else max(0.0, deadline - self._runtime.now)
            try:
                worker.join(left)
            except BaseException as error:
                # Any other is the caller's own. In a simulation an interrupt always is, also if a
                # worker was running when it came.
                of_worker = any(error is each.error for each in self.workers)
                interrupt = self._runtime.virtual and isinstance(error, KeyboardInterrupt)
                if interrupt or not of_worker:
                    raise

    def _raise_once(self) -> None:
        died = [w for w in self.workers if w.error is not None and w not in self._raised]
        self._raised += died
        if died:
            error = died[0].error
            assert error is not None
            if len(died) > 1:
                error.add_note(f"({len(died) - 1} more workers died)")
            raise error

    def _run(self) -> None:
        task = self._runtime.current_task()
        assert task is not None
        try:
            while not self.told_to_stop():
                # the same task runs the restarted worker, so the mark of the last crash is removed
                task.crashed = False
                try:
                    self._work()
                except WorkerCrash:
                    pass
                # the mark, not the exception, decides: a handler may have caught the exception
                if task.crashed:
                    self._wait_for_restart()
        finally:
            with self._stop:
                self._account()
                self._alive.discard(task)
                # one that dies of a bug leaves as well, so another one may stay
                if task not in self._told and self._surplus:
                    self._surplus -= 1
                self._told.discard(task)
                self._report()

    def _wait_for_restart(self) -> None:
        restart = self._runtime.now + self.restart_after
        with self._stop:
            # asked again after each wake-up: it may have been another one that had to leave
            while not self.told_to_stop() and (left := restart - self._runtime.now) > 0:
                self._stop.wait(left)


class PoolOwner:
    """A base class for objects whose work is done by a pool."""

    _pool: WorkerPool

    @property
    def running(self) -> bool:
        """Return True while workers are started and not stopped, and at least one is alive."""
        pool = self._pool
        return not pool.stopping and any(worker.is_alive() for worker in pool.workers)

    @property
    def started(self) -> bool:
        """Return True from the start of the workers until they are told to stop, however many are
        left.
        """
        return self._pool.started

    @property
    def workers(self) -> list[Task]:
        """The tasks of the pool."""
        return self._pool.workers
