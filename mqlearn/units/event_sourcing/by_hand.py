"""Runs with a way to write state and event that is defined in a notebook's cell.

    def write(shop, event, die):
        shop.save(event)
        die()                       raises if the process dies here
        shop.publish(event)

    run_with_writer(OrderHistory(crash_rate=0.1), write)

So a chart of such a run shows what the code in the notebook's cell does.
"""

from __future__ import annotations

from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.units.event_sourcing.scenario import OrderHistory
from mqlearn.units.event_sourcing.shop import Shop, Write


def run_with_writer(scenario: OrderHistory, write: Write, *, seed: int = 0) -> Run:
    """Return the run of `scenario` with each change written by `write(shop, event, die)`.

    `shop` has `save(event)`, which writes the row; `publish(event)`, which appends to the stream;
    `table.transaction()`; and `enqueue(event)`, which writes to the outbox. Raises what `write`
    raises.
    """
    check.instance("scenario", scenario, OrderHistory)
    check.function("write", write)
    with Simulation(seed) as sim:
        return scenario.report(scenario.watch(Shop(sim, Trace(), write, scenario.crash_rate)), seed)
