"""Exercise 12.3: the check of the scaler tells right from wrong, and its pool does what the package
does.
"""

import math

import pytest

from mqlearn import (
    Autoscaler,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    Trace,
    scale_by_age,
    scale_by_depth,
)
from mqlearn.messaging.percentile import percentile
from mqlearn.study.verdict import recall
from mqlearn.units.backpressure_and_scaling.desired import EXERCISE, Pool, check_desired, load_of


def solution(seen):
    """The worked solution: the flow at 85 %, the backlog within two minutes."""
    flow = seen.arrived / seen.every_s * seen.service_s / 0.85
    return math.ceil(flow + seen.waiting * seen.service_s / 120)


def by_flow_alone(utilisation):
    """The flow without a term for the backlog."""
    return lambda seen: seen.arrived / 15 * seen.service_s / utilisation


def added(seen):
    """The wish added to what runs and starts already."""
    wish = math.ceil(seen.waiting * seen.service_s / 30)
    return seen.running + seen.starting + wish if seen.waiting else seen.busy


WRONG = {
    "always twenty": lambda seen: 20,
    "added to what starts": added,
    "twice as many when old": scale_by_age(10.0),
    "depth/10": scale_by_depth(10),
    "depth × service / 10": lambda seen: seen.waiting * seen.service_s / 10,
    "depth × service / 30": lambda seen: seen.waiting * seen.service_s / 30,
    "one more or one fewer": lambda seen: (
        seen.running + seen.starting + (seen.waiting > 20) - (seen.waiting == 0)
    ),
    "flow alone": by_flow_alone(1.0),
    "flow alone, at 90 %": by_flow_alone(0.9),
    "flow alone, at 80 %": by_flow_alone(0.8),
}
CAUGHT = {
    "depth/10": 78,
    "depth × service / 10": 89,
    "depth × service / 30": 40,
    "one more or one fewer": 84,
    "flow alone, at 90 %": 65,
    "flow alone, at 80 %": 20,
}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says how close it comes to the bounds."""
    assert check_desired(solution).text == (
        "passed: 100 seeds, 1,611,772 orders: 95 % wait at worst 4 s shorter than the start-up, "
        "and the paid time is at most 1.58 times the work"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """In as many seeds as the solutions say."""
    assert caught(EXERCISE, WRONG[name]) == CAUGHT.get(name, 100)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("always twenty", "times the work, 1.6 times is allowed; at 15 s, with "),
        ("one more or one fewer", "95 % wait up to"),
    ],
)
def test_the_verdict_says_which_bound_was_missed(name, said):
    """Too late or too dear."""
    assert said in check_desired(WRONG[name]).text


@pytest.mark.parametrize("answer", [None, "ten", float("nan")])
def test_an_answer_that_is_no_number_is_told(answer):
    """With the time of the look."""
    text = check_desired(lambda seen: answer).text
    assert "expected at 0 s a number of workers, it returned" in text


def test_a_replay_lists_the_looks():
    """One row for every 15 s."""
    check_desired(WRONG["depth × service / 10"])
    table = recall()
    assert list(table.index[:3]) == ["0", "15", "30"]
    assert {"waiting", "starting", "wanted"} <= set(table.columns)


@pytest.mark.parametrize("rule", [solution, scale_by_depth(10), scale_by_age(10.0)])
def test_the_pool_does_what_the_package_does(rule):
    """The same orders under `Autoscaler` and `MessageProcessor`: the same waits, the same cost."""
    load = load_of(3)
    load = load._replace(arrivals=[t for t in load.arrivals if t < 900.0], until=900.0)
    pool = Pool(load)

    def whole(seen):
        return max(1, min(200, math.ceil(rule(seen))))

    pool.run(whole)
    with Simulation() as sim:
        queue = InMemoryMessageQueue(
            10**6, visibility_timeout=None, runtime=sim, trace=Trace(), name="orders"
        )
        processor = MessageProcessor(queue)
        waits = []

        def work(message):
            waits.append(sim.now - message.timestamp)
            sim.sleep(load.service)

        processor.register_processor("default", work)
        processor.start_workers(load.workers)
        Autoscaler(processor, rule, start_up=load.start_up, limits=(1, 200)).start()
        for number, time in enumerate(load.arrivals):
            sim.run(until=time)
            queue.send(Message(id=str(number)))
        sim.run(until=900.0)
        paid = processor.worker_seconds()
    assert paid == pytest.approx(pool.paid, rel=0.03)
    begun = sorted(pool.waits[: len(waits)])
    assert percentile(sorted(waits), 95) == pytest.approx(percentile(begun, 95), abs=2.0)
