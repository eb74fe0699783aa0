"""The worker pool that serves every processor: start, stop, crash, restart."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task, WorkerCrash


class WorkerPool:
    """Workers that each run `work()` until they are told to stop.

    `work` is a loop that returns when `stopping` is true. When it ends by a `WorkerCrash`, the
    worker waits `restart_after` seconds and begins again, as a supervisor would start a new
    process. Any other exception is a bug: it ends the worker, and is raised again: by `run()` in a
    simulation, by `stop()` on threads.
    """

    def __init__(
        self, runtime: Runtime, work: Callable[[], None], *, restart_after: float = 1.0
    ) -> None:
        check.number("restart_after", restart_after, low=0)
        self.restart_after = restart_after
        self.stopping = False
        self.workers: list[Task] = []
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
        self.stopping = False
        self.workers = [self._runtime.spawn(self._run, name=f"{name}-{i}") for i in range(count)]

    def check_ended(self) -> None:
        """Raise RuntimeError if a worker is still running, also one that was told to stop and has
        not finished.
        """
        if any(worker.is_alive() for worker in self.workers):
            raise RuntimeError("the workers are running already; stop them first")

    def stop(self, wake: Callable[[], None]) -> None:
        """Tell every worker to stop, `wake()` those that wait, and join them.

        If a worker itself calls this, it does not join the others: two workers that did so would
        wait for each other forever.
        """
        # `stopping` is set under the lock: a worker cannot look at it, miss the notification, and
        # then wait the whole `restart_after`
        with self._stop:
            self.stopping = True
            self._stop.notify_all()
        # after `stopping` is set, or a woken worker would find no reason to stop and wait again
        wake()
        if self._runtime.current_task() not in self.workers:
            for worker in self.workers:
                worker.join()

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
        """Return True while workers are started and not stopped."""
        return bool(self._pool.workers) and not self._pool.stopping

    @property
    def workers(self) -> list[Task]:
        """The tasks of the pool."""
        return self._pool.workers
