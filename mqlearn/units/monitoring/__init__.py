"""Unit 13, monitoring: the names that its notebook and its solutions import."""

from mqlearn.units.monitoring.scenario import WatchedShop

__all__ = ["WatchedShop"]
