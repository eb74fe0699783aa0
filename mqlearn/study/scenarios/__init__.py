"""The scenarios that the labs move, one module a unit."""

from mqlearn.study.scenarios.unit00 import FailingWork

__all__ = ["FailingWork"]
