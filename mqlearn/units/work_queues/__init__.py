"""Unit 02, work queues: the names that its notebook and its solutions import."""

from mqlearn.units.work_queues.fewest_clerks import check_fewest_clerks
from mqlearn.units.work_queues.little import check_little
from mqlearn.units.work_queues.prefetch import check_prefetch
from mqlearn.units.work_queues.scenario import WorkQueue

__all__ = ["WorkQueue", "check_little", "check_fewest_clerks", "check_prefetch"]
