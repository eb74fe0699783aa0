"""The scenarios that the labs move, one module a unit."""

from mqlearn.study.scenarios.unit00 import FailingWork
from mqlearn.study.scenarios.unit01 import PriorityMix
from mqlearn.study.scenarios.unit02 import WorkQueue
from mqlearn.study.scenarios.unit03 import CardCharges
from mqlearn.study.scenarios.unit04 import CardOutage
from mqlearn.study.scenarios.unit05 import GuardedCalls
from mqlearn.study.scenarios.unit06 import BatchedWriter
from mqlearn.study.scenarios.unit07 import FanOut
from mqlearn.study.scenarios.unit08 import ReadingTheLog
from mqlearn.study.scenarios.unit09 import SharedPartitions
from mqlearn.study.scenarios.unit10 import OrderHistory

__all__ = [
    "FailingWork",
    "PriorityMix",
    "WorkQueue",
    "CardCharges",
    "CardOutage",
    "GuardedCalls",
    "BatchedWriter",
    "FanOut",
    "ReadingTheLog",
    "SharedPartitions",
    "OrderHistory",
]
