"""Unit 07, publish–subscribe: the names that its notebook and its solutions import."""

from mqlearn.units.publish_subscribe.apply import check_apply
from mqlearn.units.publish_subscribe.by_hand import run_with_broker
from mqlearn.units.publish_subscribe.fan_out import check_fan_out
from mqlearn.units.publish_subscribe.matches import check_matches
from mqlearn.units.publish_subscribe.scenario import FanOut

__all__ = ["FanOut", "run_with_broker", "check_fan_out", "check_matches", "check_apply"]
