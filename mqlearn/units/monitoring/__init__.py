"""Unit 13, monitoring: the names that its notebook and its solutions import."""

from mqlearn.units.monitoring.alarm import check_alarm
from mqlearn.units.monitoring.diagnose import check_diagnose
from mqlearn.units.monitoring.percentile import check_percentile
from mqlearn.units.monitoring.scenario import WatchedShop

__all__ = ["WatchedShop", "check_percentile", "check_diagnose", "check_alarm"]
