"""The course's common base: scenarios with faults, the runs they make, theory, and exercises.

scenario        the parameters that a lab moves       run        a run's trace, tables and totals
faults          the things that go wrong              arrivals   the times at which work comes
analysis/       counts and times read off a trace     theory     expected values of a run
exercise        the grading of an answer              verdict    its result, as a student sees it
tries           a run made from tries already known   words      numbers and names as text
queue_adapter   a notebook's own queue in the place of the package's
card            payments that cannot be taken back
flights         a recorded day of flights             changes    a day's changes to orders, flights
"""

from mqlearn.study.faults import Faults
from mqlearn.study.run import Context, Run

__all__ = ["Context", "Faults", "Run"]
