"""What is tried: scenarios with faults, the runs they make, theory to hold them against, and exercises' checks.

`Faults` says what goes wrong, a `Run` is what came of it. Scenarios are in `mqlearn.study.scenarios`, checks in
`mqlearn.study.checks`, the formulas in `mqlearn.study.theory`, recorded days in `mqlearn.study.arrivals`.
"""

from mqlearn.study.faults import Faults
from mqlearn.study.run import Run

__all__ = ["Faults", "Run"]
