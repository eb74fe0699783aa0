"""The course's common base: scenarios with faults, the runs they make, theory, and exercises.

scenario        the base of what a lab moves          run        what came of it
faults          what goes wrong                       arrivals   when work comes
analysis/       tables and totals read off a trace    theory     what arithmetic expects
exercise        how an answer is graded               verdict    what a student is told
tries           a run written down from known tries
queue_adapter   a notebook's own queue in the place of the package's
card            payments that cannot be taken back
flights         a recorded day of flights             changes    orders or flights, as changes
"""

from mqlearn.study.faults import Faults
from mqlearn.study.run import Context, Run

__all__ = ["Context", "Faults", "Run"]
