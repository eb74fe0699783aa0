"""Unit 03's shop at a pace that real time allows, for a run on threads or on a genuine engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

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
