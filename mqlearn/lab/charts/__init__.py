"""The charts that a lab can show, by the names used in a scenario's `CHARTS` and in `show`.

Each is a class in a file of its name: "subscriber_lag" is `SubscriberLag` in subscriber_lag.py.
"""

from typing import Final

from mqlearn.lab.charts.answers import Answers
from mqlearn.lab.charts.base import Box, Chart, Predictions, Timeline
from mqlearn.lab.charts.batches import Batches
from mqlearn.lab.charts.breaker import Breaker
from mqlearn.lab.charts.budget import Budget
from mqlearn.lab.charts.charges import Charges
from mqlearn.lab.charts.cost_of_waiting import CostOfWaiting
from mqlearn.lab.charts.dead import Dead
from mqlearn.lab.charts.dead_letter_ticks import DeadLetterTicks
from mqlearn.lab.charts.delivery_order import DeliveryOrder
from mqlearn.lab.charts.depth import Depth
from mqlearn.lab.charts.depth_by_priority import DepthByPriority
from mqlearn.lab.charts.dual_writes import DualWrites
from mqlearn.lab.charts.features import Features
from mqlearn.lab.charts.folds import Folds
from mqlearn.lab.charts.goodput import Goodput
from mqlearn.lab.charts.goodput_by_limit import GoodputByLimit
from mqlearn.lab.charts.histories import Histories
from mqlearn.lab.charts.journeys import Journeys
from mqlearn.lab.charts.lag import Lag
from mqlearn.lab.charts.lag_by_partition import LagByPartition
from mqlearn.lab.charts.latency import Latency
from mqlearn.lab.charts.latency_distribution import LatencyDistribution
from mqlearn.lab.charts.leases import Leases
from mqlearn.lab.charts.load import Load
from mqlearn.lab.charts.lost_orders import LostOrders
from mqlearn.lab.charts.measured import Measured
from mqlearn.lab.charts.movers import Movers
from mqlearn.lab.charts.offsets import Offsets
from mqlearn.lab.charts.outcomes import Outcomes
from mqlearn.lab.charts.overtaking import Overtaking
from mqlearn.lab.charts.owners import Owners
from mqlearn.lab.charts.promises import Promises
from mqlearn.lab.charts.ranking import Ranking
from mqlearn.lab.charts.reasons import Reasons
from mqlearn.lab.charts.repeats import Repeats
from mqlearn.lab.charts.replicas import Replicas
from mqlearn.lab.charts.retries import Retries
from mqlearn.lab.charts.signals import Signals
from mqlearn.lab.charts.sizes import Sizes
from mqlearn.lab.charts.subscriber_lag import SubscriberLag
from mqlearn.lab.charts.tables import TableChart
from mqlearn.lab.charts.throughput import Throughput
from mqlearn.lab.charts.tradeoff import Tradeoff
from mqlearn.lab.charts.utilisation import Utilisation
from mqlearn.lab.charts.wait_by_priority import WaitByPriority
from mqlearn.lab.charts.wait_distribution import WaitDistribution
from mqlearn.lab.charts.workers_over_time import WorkersOverTime

__all__ = ["CHARTS", "Box", "Chart", "Predictions", "TableChart", "Timeline"]

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
        Replicas,
        Answers,
        Promises,
        DualWrites,
        Folds,
        Ranking,
        Measured,
        Features,
        Signals,
        Budget,
        Movers,
        Tradeoff,
        Goodput,
        WorkersOverTime,
        LostOrders,
        GoodputByLimit,
        CostOfWaiting,
    )
}
