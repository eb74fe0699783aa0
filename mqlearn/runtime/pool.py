"""The worker pool that serves every processor: start, stop, crash, restart."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Task, WorkerCrash


class WorkerPool:
    """Workers that each run `work()` until they are told to stop.

    `work` is a loop that returns when `stopping` is true. When it ends by a `WorkerCrash`, the
    worker waits `restart_after` seconds and begins again, as a supervisor would start a new
    process. Any other exception is a bug: it ends the worker, and is raised by `run()` in a
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
        """Raise RuntimeError if workers are running, or have been told to stop and are not done
        yet.
        """
        if any(worker.is_alive() for worker in self.workers):
            raise RuntimeError("the workers are running already; stop them first")

    def stop(self, wake: Callable[[], None]) -> None:
        """Tell every worker to stop, `wake()` those that wait, and join them.

        A worker that calls it does not wait for the others: two such workers would wait for each
        other.
        """
        with self._stop:
            self.stopping = True
            self._stop.notify_all()
        wake()
        if self._runtime.current_task() not in self.workers:
            for worker in self.workers:
                worker.join()

    def _run(self) -> None:
        while not self.stopping:
            task = self._runtime.current_task()
            assert task is not None
            task.crashed = False
            try:
                self._work()
            except WorkerCrash:
                pass
            if task.crashed:
                with self._stop:
                    if not self.stopping:
                        self._stop.wait(self.restart_after)


class PoolOwner:
    """An object that has a pool do its work."""

    _pool: WorkerPool

    @property
    def running(self) -> bool:
        """Return True while workers are started and not stopped."""
        return bool(self._pool.workers) and not self._pool.stopping

    @property
    def workers(self) -> list[Task]:
        """The tasks of the pool."""
        return self._pool.workers
