"""Exercise 04.3: whether the check of the redrive's rate can tell right from wrong, and replays
what it saw.
"""

import pytest

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.study.verdict import recall
from mqlearn.units.retries_and_dead_letters.next_rate import (
    EXERCISE,
    FAILED,
    check_next_rate,
    morning_of,
    replay,
)


def gently(more, part, least=1.0):
    """So much more a second, and this part of it when something fails."""
    return lambda rate, ok, failed: max(least, rate * part) if failed else rate + more


solution = gently(0.1, 0.5)
WRONG = {
    "all at once": lambda rate, ok, failed: 10_000.0 - failed,
    "one a second": lambda rate, ok, failed: 1.0 if failed else 1.001,
    "five a second": lambda rate, ok, failed: 5.0 if failed else 5.001,
    "ten a second": lambda rate, ok, failed: 10.0 if failed else 10.001,
    "one more each second": gently(1.0, 0.5),
    "half a one more": gently(0.5, 0.5),
    "5 % more each second": lambda rate, ok, failed: max(1.0, rate / 2) if failed else rate * 1.05,
    "falls by a tenth": gently(0.2, 0.9),
    "never falls": lambda rate, ok, failed: rate if failed else rate + 0.2,
}
CAUGHT = {
    "five a second": 49,
    "ten a second": 30,
    "half a one more": 84,
    "5 % more each second": 99,
    "falls by a tenth": 74,
}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says what was tried, and how close it was."""
    assert check_next_rate(solution).text == (
        "passed: 100 seeds, 219,500 letters: all done within 2.00 times the shortest time there "
        "is, and at most 8% of "
        "their tries failed"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, WRONG[name]) == CAUGHT.get(name, 100) >= 20
    assert not check_next_rate(WRONG[name])


def test_a_rate_that_does_not_listen_is_told_so():
    """Whatever the number: failures must make a difference."""
    assert check_next_rate(lambda rate, ok, failed: rate).text == (
        "not yet: seed 0: at a rate of 5, whether all letters were answered or all failed, it "
        "returned 5.0. Hint: rise "
        "while letters are answered, fall when they fail"
    )


def on_a_queue(morning):
    """Make that morning's calls on the package's queue, which redrives its oldest dead letter."""
    with Simulation(morning.seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            10**6, visibility_timeout=None, runtime=sim, trace=trace, name="orders"
        )
        for number in range(1, morning.letters + 1):
            queue.send(Message(id=f"letter-{number}"))
            queue.nack(queue.receive(timeout=0), requeue=False, reason="outage")

        def make(call):
            sim.sleep(call.start)
            if call.order:
                queue.send(Message(id=call.order))
            else:
                queue.redrive(limit=1)
            delivery = queue.receive(timeout=0)
            sim.sleep(call.end - call.start)
            if call.answered:
                queue.ack(delivery)
            else:
                queue.nack(delivery, requeue=False, reason="timeout")

        for call in morning.calls:
            sim.spawn(make, call)
        sim.run()
    return Run.of(trace)


def test_the_replay_is_what_a_real_queue_does():
    """On the package's queue the same calls begin and end at the same times, with the same
    outcome.
    """
    morning = EXERCISE.play(WRONG["ten a second"], 0)
    assert morning.mistake is None and morning.failed > FAILED
    run, real = replay(morning), on_a_queue(morning)
    began = [record.time for record in run.trace.records if record.event == "started"]
    assert began == pytest.approx(sorted(call.start for call in morning.calls))
    failed = sum(record.detail == "failed: timeout" for record in run.trace.records)
    assert failed == sum(not call.answered for call in morning.calls)
    assert run.theory["capacity"] == 10 + morning.spare
    assert run.totals == real.totals and run.until == pytest.approx(real.until)
    jobs, found = run.jobs(), real.jobs()
    same = ["message_id", "outcome", "reason", "tries"]
    assert jobs[same].equals(found[same])
    times = ["sent", "first_received", "settled"]
    assert (jobs[times] - found[times]).abs().max().max() < 1e-6


def test_a_failed_redrive_is_told_and_replayed():
    """The number of failures, their times and the rate are named; the replay is that run."""
    verdict = check_next_rate(WRONG["ten a second"])
    assert verdict.failing_seed == 0
    assert (
        "2,020 letters, 6.6 a second to spare: " in verdict.text
        and "more than 10% of all" in verdict.text
    )
    run = recall(0)
    assert run.seed == 0 and run.verdict.endswith("11% failed.")


def test_below_the_spare_rate_nothing_fails():
    """At nine tenths of it no call is late, and the letters take as long as arithmetic says."""
    spare = morning_of(7).spare
    # a hair less when something fails, since failures must make a difference
    morning = EXERCISE.play(lambda rate, ok, failed: 0.9 * spare - 1e-9 * failed, 7)
    assert morning.mistake is None and morning.failed == 0 and morning.left == 0
    assert morning.seconds == pytest.approx(morning.letters / (0.9 * morning.spare), rel=0.05)


def test_the_mornings_are_what_was_ordered():
    """1,500 to 3,000 letters, and 5 to 20 a second to spare."""
    mornings = [morning_of(seed) for seed in range(100)]
    assert all(1500 <= each.letters <= 3000 and 5 <= each.spare <= 20 for each in mornings)
