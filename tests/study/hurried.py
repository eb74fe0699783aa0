"""Real threads, on a clock that runs faster: a day in a shop need not take a test a day."""

import threading
from typing import Any

from mqlearn import ThreadRuntime


class HurriedCondition(threading.Condition):
    """Waits for a share of the time that it is told."""

    speed = 1.0

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout / self.speed)


class Hurried(ThreadRuntime):
    """A `ThreadRuntime` of which `speed` seconds pass in one."""

    def __init__(self, seed: int = 0, *, speed: float = 40.0) -> None:
        super().__init__(seed)
        self.speed = speed
        self._due = self.condition(threading.RLock())

    def fresh(self, seed: int) -> "Hurried":
        fresh = Hurried(seed, speed=self.speed)
        fresh._start = super().fresh(seed)._start
        return fresh

    @property
    def now(self) -> float:
        return super().now * self.speed

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / self.speed)

    def condition(self, lock: Any = None) -> HurriedCondition:
        condition = HurriedCondition(lock)
        condition.speed = self.speed
        return condition
