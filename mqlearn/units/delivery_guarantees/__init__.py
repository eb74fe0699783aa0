"""Unit 03, delivery guarantees: the names that its notebook and its solutions import."""

from mqlearn.units.delivery_guarantees.by_hand import orders, run_checkout
from mqlearn.units.delivery_guarantees.first_time import check_first_time
from mqlearn.units.delivery_guarantees.handle import check_handle
from mqlearn.units.delivery_guarantees.live import LiveCharges, run_on_valkey
from mqlearn.units.delivery_guarantees.scenario import CardCharges
from mqlearn.units.delivery_guarantees.work import check_work

__all__ = [
    "CardCharges",
    "LiveCharges",
    "run_on_valkey",
    "run_checkout",
    "orders",
    "check_work",
    "check_first_time",
    "check_handle",
]
