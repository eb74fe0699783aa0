"""Unit 13, monitoring: the names that its notebook and its solutions import."""

from mqlearn.units.monitoring.alarm import check_alarm
from mqlearn.units.monitoring.by_hand import run_with_sampler
from mqlearn.units.monitoring.counting import count_on_threads
from mqlearn.units.monitoring.delays import departure_delays
from mqlearn.units.monitoring.diagnose import check_diagnose
from mqlearn.units.monitoring.hours import hour
from mqlearn.units.monitoring.movers import first_movers
from mqlearn.units.monitoring.percentile import check_percentile
from mqlearn.units.monitoring.scenario import WatchedShop
from mqlearn.units.monitoring.tradeoff import tradeoff, try_alarm

__all__ = [
    "WatchedShop",
    "count_on_threads",
    "departure_delays",
    "run_with_sampler",
    "first_movers",
    "tradeoff",
    "try_alarm",
    "hour",
    "check_percentile",
    "check_diagnose",
    "check_alarm",
]
