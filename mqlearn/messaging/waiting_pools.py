"""The pools whose workers wait for a permit of a breaker."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod

from mqlearn.runtime.base import Runtime
from mqlearn.runtime.handed_in import ask


class WaitingPools:
    """The pools to wake after each change of a breaker. They are no listeners: a listener that
    fails is passed over, but a pool that is not woken would never work again.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        # weak, since a breaker may outlive many pools
        self._pools: list[WeakMethod[Callable[[], None]]] = []

    def add(self, wake: Callable[[], None]) -> None:
        """Call `wake()`, a method of a pool, from now on as long as the pool is there."""
        self._pools = [pool for pool in self._pools if pool() is not None]
        self._pools.append(WeakMethod(wake))

    def wake(self) -> None:
        """Wake every pool. If one cannot be woken, that is reported to the runtime, and the others
        are woken all the same.
        """
        for reference in tuple(self._pools):
            wake = reference()
            if wake is not None:
                ask(self._runtime, wake, lambda: None)

    def __len__(self) -> int:
        return len(self._pools)
