"""The worker pool that serves every processor: start, stop, crash, restart."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task, WorkerCrash


class WorkerPool:
    """Workers that each run `work()` until they are told to stop.

    `work` is a loop that returns when `stopping` is true. When it ends by a `WorkerCrash`, the
    worker waits `restart_after` seconds and begins again, as a supervisor would start a new
    process. Any other exception is a bug: it ends the worker, is shown at once on threads, and is
    raised once: by `run()` in a simulation, else by the next `stop()`.
    """

    def __init__(
        self, runtime: Runtime, work: Callable[[], None], *, restart_after: float = 1.0
    ) -> None:
        self.restart_after = check.number("restart_after", restart_after, low=0)
        self.stopping = False
        self.workers: list[Task] = []
        self._raised: list[Task] = []  # those whose error was raised already
        self._runtime = runtime
        self._work = work
        # a condition, so that `stop` can interrupt the wait before a restart
        self._stop = runtime.condition()

    def start(self, count: int, name: str = "worker") -> None:
        """Start `count` workers, called `name`-0, `name`-1, … Raises RuntimeError if some are
        running.
        """
        check.whole("count", count, low=1)
        self.check_ended()
        self.stopping, self._raised = False, []
        self.workers = [self._runtime.spawn(self._run, name=f"{name}-{i}") for i in range(count)]

    def check_ended(self) -> None:
        """Raise RuntimeError if a worker is still running, also one that was told to stop and has
        not finished.
        """
        if any(worker.is_alive() for worker in self.workers):
            raise RuntimeError("the workers are running already; stop them first")

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
            self.stopping = True
            self._stop.notify_all()
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
        while not self.stopping:
            task = self._runtime.current_task()
            assert task is not None
            # the same task runs the restarted worker, so the mark of the last crash is removed
            task.crashed = False
            try:
                self._work()
            except WorkerCrash:
                pass
            # the mark, not the exception, decides: a handler may have caught the exception
            if task.crashed:
                with self._stop:
                    if not self.stopping:
                        self._stop.wait(self.restart_after)


class PoolOwner:
    """A base class for objects whose work is done by a pool."""

    _pool: WorkerPool

    @property
    def running(self) -> bool:
        """Return True while workers are started and not stopped, and at least one is alive."""
        pool = self._pool
        return not pool.stopping and any(worker.is_alive() for worker in pool.workers)

    @property
    def workers(self) -> list[Task]:
        """The tasks of the pool."""
        return self._pool.workers
