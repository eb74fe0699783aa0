"""Unit 00, start here: what its notebook and solutions import beside the package."""

from mqlearn.units.start_here.scenario import FailingWork

__all__ = ["FailingWork"]
