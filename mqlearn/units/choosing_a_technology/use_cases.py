"""The course text's ten use cases, as needs with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mqlearn.units.choosing_a_technology.choice import label, rank
from mqlearn.units.choosing_a_technology.suitability import cell

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class UseCase:
    """One use case: the weights of its needs, why they are so, and the notebook that treats it."""

    weights: dict[str, float]
    because: str
    notebook: str


USE_CASES: Final = {
    "microservices": UseCase(
        {"fan_out": 2, "delay": 1, "priority": 1, "latency": 1, "durability": 3, "effort": 2,
         "cost": 1},
        "Several services react to one order, none may be lost, and a retry waits.",
        "01_messages_and_queues",
    ),
    "ETL": UseCase(
        {"order": 1, "replay": 3, "fan_out": 1, "durability": 3, "effort": 1},
        "After a mistake in a transformation the same input is loaded again.",
        "06_batching",
    ),
    "stream processing": UseCase(
        {"order": 3, "replay": 3, "fan_out": 2, "latency": 1, "durability": 2, "effort": 1},
        "State is built from events in their order, and built again from the start.",
        "08_event_streams",
    ),
    "batch orchestration": UseCase(
        {"delay": 2, "priority": 2, "durability": 3, "effort": 2, "cost": 1},
        "Jobs run at their time, urgent ones first, and none is lost.",
        "02_work_queues",
    ),
    "chat": UseCase(
        {"fan_out": 3, "latency": 3, "effort": 2, "cost": 1},
        "All who are in the room hear it at once; the history is in a database.",
        "07_publish_subscribe",
    ),
    "notifications": UseCase(
        {"fan_out": 2, "latency": 2, "effort": 2, "cost": 2},
        "A note that comes too late is worth nothing, so a lost one does little harm.",
        "07_publish_subscribe",
    ),
    "leaderboards": UseCase(
        {"order": 1, "replay": 2, "fan_out": 2, "latency": 3, "effort": 2, "cost": 1},
        "The board shows a result at once, and is computed again from all results.",
        "10_event_sourcing",
    ),
    "legacy integration": UseCase(
        {"order": 1, "fan_out": 2, "priority": 1, "latency": 1, "durability": 3, "effort": 1},
        "The old system and its successor both get every message, and miss none.",
        "03_delivery_guarantees",
    ),
    "API rate limiting": UseCase(
        {"delay": 2, "priority": 1, "durability": 2, "effort": 3, "cost": 2},
        "Calls wait until the limit allows them, some longer than others.",
        "04_retries_and_dead_letters",
    ),
    "data synchronisation": UseCase(
        {"order": 3, "replay": 3, "fan_out": 2, "durability": 3, "effort": 1},
        "Every copy applies the same changes in order, and a new copy begins at the start.",
        "10_event_sourcing",
    ),
}  # fmt: skip


def use_case_table() -> pd.DataFrame:
    """Return a table with a row for each use case: the first engine and its score (of 100), the
    two reasons that decided, what speaks against it, the second engine and its score, and the
    notebook that treats the use case.
    """
    import pandas as pd

    rows = []
    for name, case in USE_CASES.items():
        first, second, *_ = rank(case.weights)
        for_it = [f"{label(n)}: {cell(first.engine, n).says}" for n in first.reasons]
        against = f"{label(first.against)}: {cell(first.engine, first.against).says}"
        rows.append(
            (name, first.name, round(first.score), *for_it, against,
             f"{second.name} ({second.score:.0f})", case.notebook)
        )  # fmt: skip
    columns = [
        "use case",
        "first",
        "score",
        "reason",
        "second reason",
        "against",
        "next",
        "notebook",
    ]
    return pd.DataFrame(rows, columns=columns).set_index("use case")
