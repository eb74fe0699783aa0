"""One line worked out order by order: the same as the package, order by order."""

import pytest

from mqlearn import Simulation
from mqlearn.units.backpressure_and_scaling.line import goodput_by_limit, served
from mqlearn.units.backpressure_and_scaling.scenario import Rush


def test_a_few_orders_by_hand():
    """Two workers, one place: the fourth of four that come at once is refused."""
    assert served([0, 0, 0, 0], [2, 3, 1, 1], workers=2, limit=1) == [2, 3, 3, None]
    # at 2 s one has begun, so there is room again
    assert served([0, 0, 0, 2], [2, 3, 1, 1], workers=2, limit=1) == [2, 3, 3, 4]
    assert served([], [], workers=1, limit=1) == []


@pytest.mark.parametrize("times", ["constant", "exponential"])
def test_it_does_what_the_package_does(times):
    """The same orders are refused, and as many are in time."""
    scenario = Rush(trouble="none", rate=14.0, limit=240, times=times)
    run = scenario.run(3)
    with Simulation(3) as sim:
        arrivals = scenario.arrival_times(sim)
        services = [scenario._takes(sim, f"order-{n}") for n in range(1, len(arrivals) + 1)]
    ends = served(arrivals, services, workers=6, limit=240)
    refused = {r.message_id for r in run.trace.records if r.event == "rejected"}
    assert {f"order-{n}" for n, end in enumerate(ends, 1) if end is None} == refused
    in_time = sum(
        end is not None and end - time <= 20.0 + 1e-9
        for time, end in zip(arrivals, ends, strict=True)
    )
    assert in_time == run.totals["in_time"]


def test_goodput_has_a_plateau_and_a_cliff():
    """About 12 per second up to a limit of 300, a tenth of it at 600."""
    scenario = Rush(trouble="none", rate=14.0, patience=30.0, window=1800.0, times="exponential")
    table = goodput_by_limit(scenario, (1, 5, 60, 180, 300, 360, 600), seeds=(0, 1))
    found = dict(zip(table["limit"], table["goodput"], strict=True))
    assert found[1] == pytest.approx(10.1, abs=0.2) and found[5] == pytest.approx(11.3, abs=0.2)
    assert all(found[limit] == pytest.approx(12.0, abs=0.2) for limit in (60, 180, 300))
    assert found[360] < 8 and found[600] < 2.1
    assert (table["lowest"] <= table["goodput"]).all() and (
        table["goodput"] <= table["highest"]
    ).all()
