"""Unit 11, replication: the names that its notebook and its solutions import."""

from mqlearn.units.replication.by_hand import lost_orders, run_with_copies, run_with_reader
from mqlearn.units.replication.elect import check_elect
from mqlearn.units.replication.high_watermark import check_high_watermark
from mqlearn.units.replication.scenario import ReplicatedOrders
from mqlearn.units.replication.send import check_send

__all__ = [
    "ReplicatedOrders",
    "check_elect",
    "check_high_watermark",
    "check_send",
    "lost_orders",
    "run_with_copies",
    "run_with_reader",
]
