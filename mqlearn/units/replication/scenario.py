"""Unit 11: what if the broker itself dies?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, param, refuse_queue
from mqlearn.units.replication.report import report
from mqlearn.units.replication.shop import (
    CUT_OFF,
    DIES,
    FOLLOWERS,
    POWER,
    THEN_LEADER,
    WATCHED,
    WHAT,
    Shop,
)


@dataclass(frozen=True)
class ReplicatedOrders(Scenario):
    """Tills send 20 orders per second for two minutes to a log with several replicas. At 40 s
    something happens to the replicas, for `lasts` seconds.

    A till sends the next order when it has an answer to the one before, and sends an order again
    for 30 s if the answer was no, or if there was none. "followers, then the leader": the followers
    die at 40 s and are back at 61 s, the leader dies at 60 s.
    """

    TITLE: ClassVar[str] = "What if the broker itself dies?"
    CHARTS: ClassVar[tuple[str, ...]] = ("replicas", "answers", "promises")
    PREDICTS: ClassVar[str] = "promises"
    FIRST: ClassVar[tuple[str, ...]] = ("acks", "min_insync_replicas", "what", "unclean")
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "acknowledged, and gone": {"acks": "1"},
        "the lonely leader": {
            "min_insync_replicas": 1,
            "unclean": "yes",
            "what": THEN_LEADER,
            "idempotent": "no",
        },
        "two leaders": {"acks": "1", "what": CUT_OFF},
        "the rack": {"what": POWER, "lasts": 5.0},
        "asked twice": {"idempotent": "no", "in_flight": 5, "tills": 8},
        "the refusal": {"what": FOLLOWERS},
    }

    acks: str = param(
        "all",
        group="policy",
        choices=("0", "1", "all"),
        help="What the leader waits for before it says yes: nothing, its own log, all in sync.",
    )
    min_insync_replicas: int = param(
        2,
        low=1,
        high=3,
        group="policy",
        help="With acks=all, orders are refused while fewer replicas are in sync.",
    )
    what: str = param(DIES, group="failures", choices=WHAT, help="What happens at 40 s.")
    unclean: str = param(
        "no",
        group="policy",
        choices=("no", "yes"),
        help="Whether a replica that may lack orders may be elected if no other is alive.",
    )
    lasts: float = param(
        30.0, unit="s", low=1, high=60, step=1, group="failures", help="How long it lasts."
    )
    slow_fetch: float = param(
        2.0,
        unit="s",
        low=0.5,
        high=10,
        step=0.5,
        group="failures",
        help="How often a slow follower fetches.",
    )
    fetch_every: float = param(
        0.5,
        unit="s",
        low=0.05,
        high=6,
        step=0.05,
        group="workers",
        help="How often a follower fetches from the leader.",
    )
    replicas: int = param(3, low=1, high=5, group="workers", help="Copies of the log.")
    session_timeout: float = param(
        9.0,
        unit="s",
        low=1,
        high=30,
        step=1,
        group="policy",
        help="A replica that the controller does not hear for so long has failed.",
    )
    flush_every: float = param(
        30.0,
        unit="s",
        low=0,
        high=60,
        step=1,
        group="policy",
        help="How often a replica writes its log to the disk; 0: before each answer.",
    )
    idempotent: str = param(
        "yes",
        group="policy",
        choices=("yes", "no"),
        help="Whether tills number their orders; they do not if acks is not all.",
    )
    in_flight: int = param(
        1, low=1, high=5, group="load", help="Orders of one till that wait for an answer at once."
    )
    tills: int = param(40, low=1, high=400, group="load", help="Tills that send the orders.")
    prediction: float | None = param(
        None,
        unit="orders",
        low=0,
        high=3000,
        group="load",
        help="How many acknowledged orders are lost?",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_insync_replicas > self.replicas:
            raise ValueError(
                f"min_insync_replicas must be at most replicas ({self.replicas}), got "
                f"{check.short_repr(self.min_insync_replicas)}"
            )

    @property
    def numbered(self) -> bool:
        """True if the tills number their orders, so that the log knows one that it has."""
        return self.idempotent == "yes" and self.acks == "all"

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        refuse_queue(queue, "orders go to a replicated log")
        trace, start = Trace(), runtime.now
        shop = Shop(self, runtime, trace)
        return report(self, shop, trace, observe(runtime, trace, WATCHED) - start, seed)
