"""Unit 03's shop at a pace that real time allows, for a run on threads or on a genuine engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import local
from mqlearn.runtime import check
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.study.scenario import param
from mqlearn.units.delivery_guarantees.scenario import CardCharges


@dataclass(frozen=True)
class LiveCharges(CardCharges):
    """The shop of `CardCharges`, about a hundred times as fast: two hundred orders in two seconds,
    eight workers, work of 5 to 45 ms.

    A queue that is given to `run` has a lease of its own; this one is that of the queue in memory.
    """

    ORDERS: ClassVar[int] = 200
    SPACING: ClassVar[float] = 0.01
    WINDOW: ClassVar[float] = 60.0
    WORKERS: ClassVar[int] = 8
    CONFIRM_TIMEOUT: ClassVar[float] = 0.5
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {}

    shortest: float = param(
        0.005,
        unit="s",
        low=0.001,
        high=1,
        step=0.001,
        group="workers",
        help="The least time that the work before a charge takes.",
    )
    longest: float = param(
        0.045,
        unit="s",
        low=0.001,
        high=1,
        step=0.001,
        group="workers",
        help="The most time it takes; evenly spread between the two.",
    )
    lease: float = param(
        2.0,
        unit="s",
        low=0.1,
        high=60,
        step=0.1,
        group="policy",
        help="How long a message stays with the worker that took it, without an ack.",
    )
    prediction: float | None = param(
        None,
        unit="orders",
        low=0,
        high=200,
        group="load",
        help="Of 200 orders, how many are charged twice or more?",
    )


def run_on_valkey(
    shop: LiveCharges,
    tell: Callable[[str], object],
    *,
    seed: int = 0,
    kill_at: float | None = None,
) -> Run | None:
    """Run a shop over a genuine Valkey server on this machine, in real time, and return the run.

    After `kill_at` seconds (None: never) every process of the server is killed with signal 9, and
    it is started again. Where no server is installed, `tell(text)` is called with one line that
    says so, and the result is None.
    """
    check.instance("shop", shop, LiveCharges)
    check.function("tell", tell)
    check.whole("seed", seed)
    kill_at = check.number("kill_at", kill_at, low=0, optional=True)
    runtime = ThreadRuntime()
    try:
        server = local("redis")
        from mqlearn.engines.redis_queue import RedisQueue
    except (EngineError, ImportError) as missing:
        tell(f"skipped: {missing}")
        return None

    def restart(seconds: float) -> None:
        runtime.sleep(seconds)
        server.kill()
        server.start()

    with (
        server as url,
        RedisQueue(url, "orders", visibility_timeout=shop.lease, trace=Trace()) as queue,
    ):
        breaker = None if kill_at is None else runtime.spawn(restart, kill_at, name="power")
        run = shop.run(seed, runtime=runtime, queue=queue)
        if breaker is not None:
            breaker.join()
        tell(f"live, on a genuine server: {run.verdict}")
        return run
