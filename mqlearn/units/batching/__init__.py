"""Unit 06, batching: what its notebook and solutions import beside the package."""

from mqlearn.units.batching.by_hand import by_hand, clockwork, packaged
from mqlearn.units.batching.deliver import check_deliver
from mqlearn.units.batching.plan import check_plan
from mqlearn.units.batching.scenario import BatchedWriter
from mqlearn.units.batching.settle import check_settle
from mqlearn.units.batching.store import BulkStore, bisected

__all__ = [
    "BatchedWriter",
    "BulkStore",
    "bisected",
    "by_hand",
    "clockwork",
    "packaged",
    "check_plan",
    "check_settle",
    "check_deliver",
]
