"""A run whose workers are scaled by code from a notebook's cell.

    def autoscale(sim, queue, processor): ...      a loop that looks and calls scale_to
    run_scaled(Rush(...), autoscale)

So a chart of such a run shows what the code in the notebook's cell does.
"""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.run import Run
from mqlearn.units.backpressure_and_scaling.scenario import Rush

Loop = Callable[[Runtime, MessageQueue, MessageProcessor], object]


def run_scaled(scenario: Rush, loop: Loop, *, seed: int = 0) -> Run:
    """Return the run of `scenario` with `loop(runtime, queue, processor)` in the place of its
    scaler: it runs beside the workers, and may have no end.
    """
    check.instance("scenario", scenario, Rush)
    check.function("loop", loop)

    def scale(processor: MessageProcessor) -> None:
        # so that the chart of the workers begins with their number
        processor.scale_to(scenario.workers)
        sim.spawn(loop, sim, processor.queue, processor, name="scaler", daemon=True)

    with Simulation(seed) as sim:
        return scenario._simulate(sim, None, seed, scale)
