"""What is tried: scenarios with faults, the runs they make, theory to hold them against, and
exercises' checks.

`Faults` says what goes wrong, a `Run` is what came of it. Scenarios are in
`mqlearn.study.scenarios`, what their records say in `mqlearn.study.stories`, checks in
`mqlearn.study.checks`, the formulas of queueing in `mqlearn.study.theory`, recorded days in
`mqlearn.study.arrivals`, and what runs a notebook's own code in `mqlearn.study.handmade`. What
orders meet on their way is beside this: `card` (payments), `store` (bulk writes), `overload` (a
slow service), `shop` (a database and a stream), `changes` and `flights` (what is to happen on a
day).
"""

from mqlearn.study.faults import Faults
from mqlearn.study.run import Run

__all__ = ["Faults", "Run"]
