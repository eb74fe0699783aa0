"""Unit 09, consumer groups: the names that its notebook and its solutions import."""

from mqlearn.units.consumer_groups.assign import check_assign
from mqlearn.units.consumer_groups.scenario import SharedPartitions
from mqlearn.units.consumer_groups.step import check_step_db, check_step_group

__all__ = ["SharedPartitions", "check_step_group", "check_step_db", "check_assign"]
