"""Exercise 06.1: the check of the plan tells right from wrong, and replays what it saw."""

import math

import pytest

from mqlearn.messaging.batch import BatchMessageProcessor
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.study.verdict import recall
from mqlearn.units.batching.plan import (
    EXERCISE,
    NIGHT,
    RUSH,
    Hours,
    arrivals_of,
    check_plan,
    hours_of,
    run_of_calls,
    serve,
)


def solution(low, high, a, b, p99):
    """The worked solution: a third above the smallest size that keeps up, and half of what the
    night leaves.
    """
    return math.ceil(4 / 3 * a * high / (1 - b * high)), (p99 - 2 * a) / 2


def of(size, linger):
    """A plan by formulas: `size` times the smallest that keeps up, and a linger of a, b and p99."""
    return lambda low, high, a, b, p99: (
        math.ceil(size * a * high / (1 - b * high)),
        linger(a, b, p99),
    )


WRONG = {
    "50 and 0.1 s": lambda *_: (50, 0.1),
    "500 and 0.2 s": lambda *_: (500, 0.2),
    "100 and 0.4 s": lambda *_: (100, 0.4),
    "1,000 and no linger": lambda *_: (1000, 0.0),
    "all that comes in a call": lambda low, high, a, b, p99: (math.ceil(a * high), p99 / 4),
    "any size": lambda low, high, a, b, p99: (10_000, (p99 - 2 * a) / 2),
    "three times what keeps up": of(3, lambda a, b, p99: p99 / 4),
    "the rest of the limit": of(4 / 3, lambda a, b, p99: p99 - a - b),
    "no linger": of(4 / 3, lambda a, b, p99: 0.0),
}
CAUGHT = {
    "50 and 0.1 s": 64,
    "500 and 0.2 s": 97,
    "100 and 0.4 s": 53,
    "three times what keeps up": 58,
}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says how near the limits it is."""
    assert check_plan(solution).text == (
        "passed: 100 pairs of rates, 800,000 messages: at night the p99 was at most 63% of what is "
        "allowed, with 0.46 "
        "calls a message on average, and in the rush hour at most 93%"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, WRONG[name]) == CAUGHT.get(name, 100) >= 20
    assert not check_plan(WRONG[name])


def test_what_is_no_plan_is_told():
    """A size is whole and from 1, a linger is not below 0."""
    for answer in [(0, 0.1), (2.5, 0.1), (10, -0.1), (10, "0.1"), (True, 0.1), (10,), [10, 0.1, 3]]:
        assert (
            "expected a size from 1 and a linger from 0 s, it returned "
            in check_plan(lambda *_, a=answer: a).text
        )
    assert "expected a size" not in check_plan(lambda *_: [100, 0.1]).text


def test_the_first_seed_is_the_one_of_the_notebook():
    """100 and 0.1 s: 0.2 s at night and a third of a second in the rush hour; 50 a call are
    unstable.
    """
    hours = hours_of(0)
    assert hours == Hours(5.0, 600.0, 0.05, 0.001, 0.5)
    night, rush = (serve(come, (100, 0.1), hours) for come in arrivals_of(0))
    assert night.p99 == pytest.approx(0.2, abs=0.005) and rush.p99 == pytest.approx(0.329, abs=0.02)
    assert not any(EXERCISE.mistakes(EXERCISE.play(lambda *_: (100, 0.1), 0)))
    assert "calls of 50 are at most 500 messages a second" in check_plan(WRONG["50 and 0.1 s"]).text


def test_a_worker_by_hand():
    """Two come within the linger, the third fills the batch, the fourth waits for the call and goes
    alone.
    """
    served = serve([1.0, 1.5, 1.75, 1.8], (3, 1.0), Hours(1, 1, 0.5, 0.25, 1))
    assert served.done == [3.0, 3.0, 3.0, 4.75] and len(served.calls) == 2


def run_processor(arrivals, plan, hours):
    """Return the run of these messages before the package's own batch processor."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(
            10**6, visibility_timeout=None, runtime=sim, trace=Trace(), name="orders"
        )
        processor = BatchMessageProcessor(queue, *plan)

        def write(batch):
            sim.sleep(hours.a + hours.b * len(batch))
            return [True] * len(batch)

        def shop():
            for number, time in enumerate(arrivals, 1):
                sim.sleep_until(time)
                queue.send(Message(id=f"order-{number}"))

        processor.start_batch_processing(write)
        sim.spawn(shop, name="shop")
        sim.run()
        return Run.of(queue.trace)


@pytest.mark.parametrize("messages", [NIGHT, RUSH])
def test_the_packages_worker_ends_its_calls_at_the_same_times(messages):
    """`BatchMessageProcessor` does what the check works out with numbers."""
    served = serve(arrivals_of(3)[messages == RUSH], (60, 0.08), hours_of(3))
    real = run_processor(arrivals_of(3)[messages == RUSH], (60, 0.08), hours_of(3))
    assert real.jobs()["settled"].to_list() == pytest.approx(served.done)
    assert sum(record.event == "batched" for record in real.trace.records) == len(served.calls)


@pytest.mark.parametrize("messages", [NIGHT, RUSH])
def test_a_replay_has_the_records_of_the_packages_worker(messages):
    """The same things happen to the same messages at the same times; at one instant, in another
    order.
    """
    arrivals, plan, hours = arrivals_of(3)[messages == RUSH], (60, 0.08), hours_of(3)
    written = run_of_calls(serve(arrivals, plan, hours), hours, 3)
    real = run_processor(arrivals, plan, hours)

    def records(run):
        # a life does not say who sent its message
        return sorted(
            (r.event, r.message_id, r.worker if r.event != "sent" else "", r.detail)
            for r in run.trace.records
        )

    def times(run):
        return [record.time for record in run.trace.records]

    assert records(written) == records(real)
    assert times(written) == pytest.approx(times(real)) and written.totals == real.totals


def test_a_plan_that_fails_is_replayed():
    """At the rate at which it fails."""
    verdict = check_plan(WRONG["100 and 0.4 s"])
    assert verdict.text == (
        "not yet: seed 0: 5 and 600 messages a second, a = 50 ms, b = 1 ms: with size 100 and a "
        "linger of 0.4 s the "
        "p99 at the low rate is 0.501 s, and 0.500 s are allowed. Hint: who comes just after a "
        "batch has gone waits "
        "for that call, for the linger and for his own call"
    )
    assert recall(verdict.failing_seed).totals["done"] == NIGHT
