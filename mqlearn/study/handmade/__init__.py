"""What a notebook builds, put in the place of the package's own, so that a chart is the trace of
the cell above it.

- a queue: `tried`, `burst`, `desk`; a worker at the till: `at_the_till`, `orders`
- a loop that writes batches: `by_hand`, `clockwork`, `packaged`; a breaker: `guarded`
- a broker: `told`; a log: `kept`; a way to write row and event: `written`
"""

from mqlearn.study.handmade.brokers import told
from mqlearn.study.handmade.bulk import by_hand, clockwork, packaged
from mqlearn.study.handmade.guards import guarded
from mqlearn.study.handmade.logs import kept
from mqlearn.study.handmade.queues import burst, desk, tried
from mqlearn.study.handmade.till import at_the_till, orders
from mqlearn.study.handmade.writes import written

__all__ = [
    "at_the_till",
    "burst",
    "by_hand",
    "clockwork",
    "desk",
    "guarded",
    "kept",
    "orders",
    "packaged",
    "told",
    "tried",
    "written",
]
