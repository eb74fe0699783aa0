"""Unit 06, batching: the names that its notebook and its solutions import."""

from mqlearn.units.batching.by_hand import regular_times, run_batch_loop, run_batch_processor
from mqlearn.units.batching.deliver import check_deliver
from mqlearn.units.batching.plan import check_plan
from mqlearn.units.batching.scenario import BatchedWriter
from mqlearn.units.batching.settle import check_settle
from mqlearn.units.batching.store import BulkStore, bisected

__all__ = [
    "BatchedWriter",
    "BulkStore",
    "bisected",
    "run_batch_loop",
    "regular_times",
    "run_batch_processor",
    "check_plan",
    "check_settle",
    "check_deliver",
]
