"""Unit 02, work queues: what its notebook and solutions import beside the package."""

from mqlearn.units.work_queues.fewest_clerks import check_fewest_clerks
from mqlearn.units.work_queues.little import check_little
from mqlearn.units.work_queues.prefetch import check_prefetch
from mqlearn.units.work_queues.scenario import WorkQueue

__all__ = ["WorkQueue", "check_little", "check_fewest_clerks", "check_prefetch"]
