"""Unit 08, event streams: the names that its notebook and its solutions import."""

from mqlearn.units.event_streams.by_hand import run_with_log
from mqlearn.units.event_streams.first_swap import check_first_swap
from mqlearn.units.event_streams.key import check_key
from mqlearn.units.event_streams.poll import check_poll
from mqlearn.units.event_streams.scenario import ReadingTheLog

__all__ = ["ReadingTheLog", "run_with_log", "check_key", "check_poll", "check_first_swap"]
