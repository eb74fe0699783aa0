"""The charts a lab can show, by the names that a scenario's `CHARTS` uses."""

from typing import Final

from mqlearn.lab.charts.base import Box, Chart, Marks, Timeline
from mqlearn.lab.charts.batches import Batches, Throughput
from mqlearn.lab.charts.breaker import Breaker
from mqlearn.lab.charts.charges import Charges
from mqlearn.lab.charts.dead import Dead, DeadLetterTicks, Reasons
from mqlearn.lab.charts.delivery_order import DeliveryOrder
from mqlearn.lab.charts.depth import Depth, DepthByPriority
from mqlearn.lab.charts.histories import DualWrites, Folds, Histories
from mqlearn.lab.charts.journeys import Journeys
from mqlearn.lab.charts.latency import Latency, LatencyDistribution
from mqlearn.lab.charts.leases import Leases
from mqlearn.lab.charts.load import Load
from mqlearn.lab.charts.logs import Lag, Offsets, Sizes
from mqlearn.lab.charts.owners import LagByPartition, Owners, Repeats
from mqlearn.lab.charts.subscribers import Outcomes, Overtaking, SubscriberLag
from mqlearn.lab.charts.tries import Retries
from mqlearn.lab.charts.waits import WaitByPriority, WaitDistribution
from mqlearn.lab.charts.workers import Utilisation

__all__ = ["CHARTS", "Box", "Chart", "Marks", "Timeline"]

CHARTS: Final[dict[str, type[Chart]]] = {
    kind.name: kind
    for kind in (
        Depth,
        DepthByPriority,
        Dead,
        Reasons,
        Retries,
        WaitByPriority,
        WaitDistribution,
        Utilisation,
        Journeys,
        DeliveryOrder,
        Leases,
        Charges,
        Load,
        DeadLetterTicks,
        Breaker,
        Batches,
        Throughput,
        Latency,
        LatencyDistribution,
        SubscriberLag,
        Outcomes,
        Overtaking,
        Offsets,
        Lag,
        Sizes,
        Owners,
        LagByPartition,
        Repeats,
        Histories,
        DualWrites,
        Folds,
    )
}
