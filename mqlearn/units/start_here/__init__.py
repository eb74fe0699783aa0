"""Unit 00, start here: the names that its notebook and its solutions import."""

from mqlearn.units.start_here.scenario import FailingWork

__all__ = ["FailingWork"]
