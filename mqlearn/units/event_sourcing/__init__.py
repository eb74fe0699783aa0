"""Unit 10, event sourcing: the names that its notebook and its solutions import."""

from mqlearn.units.event_sourcing.by_hand import run_with_writer
from mqlearn.units.event_sourcing.evolve import check_evolve
from mqlearn.units.event_sourcing.relay import check_relay
from mqlearn.units.event_sourcing.scenario import OrderHistory
from mqlearn.units.event_sourcing.upcast import check_upcast

__all__ = ["OrderHistory", "run_with_writer", "check_evolve", "check_upcast", "check_relay"]
