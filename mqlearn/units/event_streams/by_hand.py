"""Runs with a log from a notebook's cell in the place of the package's own, and a record of what
its reader gets.

    run_with_log(ReadingTheLog(partitions=1), NaiveStream)        a scenario, with that log in it

So a chart of such a run shows what the code in the notebook's cell does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.study.run import Run
from mqlearn.study.scenario import wait_for_arrivals
from mqlearn.units.event_streams.scenario import ReadingTheLog


def run_with_log(scenario: ReadingTheLog, make: Callable[[Any], Any], *, seed: int = 0) -> Run:
    """Return the run of `scenario` with the log `make(sim)` as its one partition; the log has
    `append(event)` and `read(group)`.

    One reader asks for new events, works on each event for the scenario's `read_time`, and asks
    again: at once, or a tenth of a second later if there were none.
    """
    check.instance("scenario", scenario, ReadingTheLog)
    check.function("make", make)
    with Simulation(seed) as sim:
        trace, log = Trace(), make(sim)
        count = [0, 0]  # appended, read

        def note(event: str, source: str, entry: int, message_id: str = "") -> None:
            now, worker = sim.stamp()
            trace.note(
                now,
                event,
                source,
                entry=entry,
                message_id=message_id,
                attempt=1,
                worker=worker,
                detail=0,
            )

        def shop() -> None:
            for number in wait_for_arrivals(sim, 0.0, scenario.arrival_times(sim)):
                log.append(
                    StreamEvent("orders", event_id=f"event-{number}", partition_key="customer")
                )
                note("appended", "orders", count[0], f"event-{number}")
                count[0] += 1

        def reader() -> None:
            while True:
                before = count[1]
                for event in log.read("reader"):
                    note("started", "orders/reader", count[1], event.event_id)
                    sim.sleep(scenario.read_time)
                    note("finished", "orders/reader", count[1], event.event_id)
                    count[1] += 1
                    # The log in the cell has no offsets, so they are counted here for the chart.
                    note("committed", "orders/reader", count[1])
                if count[1] == before:
                    sim.sleep(0.1)

        sim.spawn(shop, name="shop")
        sim.spawn(reader, name="reader", daemon=True)
        sim.run(until=scenario.window)
        trace.freeze()
        return scenario.report(trace, sim.now, seed)
