"""Exercise 11.2: send each order once, to a log whose leaders die."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.promises import PromiseAnalysis
from mqlearn.study.exercise import Exercise, Mistake, RunawayAnswer, call_answer
from mqlearn.study.run import Context, Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.replication.till import MOST, NAME, ORDERS, UNTIL, TillTest, Try

RAISES = (
    "`till.append` may raise NotLeader, NotEnoughReplicas or OutOfSequence: then nothing was "
    "appended, and it is asked again"
)
CALL = "`till.append(order, number=number)` sends the order"
LOOP = "`till.sleep(0.5)` between two tries"


class SendExercise(Exercise[int, TillTest]):
    """A till that sends sixty orders, one after the other, while eight faults hit the replicas."""

    def play(self, answer: Callable[..., Any], case: int) -> TillTest:
        with Simulation(case) as sim:
            test = TillTest(sim, case)
            sim.spawn(_shop, test, answer, name="shop", daemon=True)
            sim.run(until=UNTIL)
            test.close()
            test.trace.freeze()
        return test

    def mistakes(self, world: TillTest) -> Iterator[Mistake]:
        if world.not_sent is not None:
            order, answer = world.not_sent
            yield Mistake(f"{order}: `till.append` was not called, {answer}", CALL)
            return
        found = (_raised, _missing, _unsent, _twice, _swapped)
        for mistake in (find(world) for find in found):
            if mistake is not None:
                run = partial(_replay, world, mistake.said)
                yield Mistake(mistake.said, mistake.hint, run)
                return

    def summary(self, worlds: list[TillTest]) -> str:
        tries = sum(len(each) for world in worlds for each in world.tries.values())
        orders = len(worlds) * ORDERS
        return f"{len(worlds)} seeds, {orders:,} orders, each in the log once, with {tries:,} tries"


def check_send(send: Callable[..., Any]) -> Verdict:
    """Grade `send(till, order, number)` over a hundred seeds: each of sixty orders must be in the
    log once, and in order, and all sixty must be sent by 150 s.

    `till.append(order, acks=, number=)` returns the offset, or None for no answer, or raises;
    `till.sleep(seconds)` waits. `number` is 1 for the first order, 2 for the second, and so on.
    """
    return EXERCISE.grade(send)


EXERCISE = SendExercise()


def _shop(test: TillTest, send: Callable[..., Any]) -> None:
    for number in range(1, ORDERS + 1):
        test.sim.sleep(0.5 + test.sim.draw("gap", number))
        test.till.order = order = f"order-{number}"
        try:
            answer = call_answer(send, test.till, order, number)
        except RunawayAnswer:
            test.failed, test.runaway = order, True
            return
        if not test.tries[order]:
            test.not_sent = order, answer
            return
        if answer.error is not None:
            test.failed, test.answer = order, answer
            return
        test.returned[order] = test.sim.now


def _raised(test: TillTest) -> Mistake | None:
    """Return the mistake of a call that raised or ran away."""
    if test.runaway:
        return Mistake(f"{test.failed}: {MOST:,} calls in one instant, and no end", LOOP)
    if test.failed:
        last = test.tries[test.failed][-1]
        return Mistake(f"{test.failed} at {last.time:.1f} s: {test.answer}", RAISES)
    return None


def _unsent(test: TillTest) -> Mistake | None:
    """Return the mistake of a call that did not return in time."""
    if len(test.returned) == ORDERS:
        return None
    order = f"order-{len(test.returned) + 1}"
    tries = test.tries[order]
    outcome = f", the last try: {tries[-1].outcome}" if tries else ""
    hint = RAISES
    if tries and tries[-1].outcome == "OutOfSequence":
        hint = "numbers are 1, 2, 3 … without a gap: the same number at each try of an order"
    said = f"{order} was not sent by {UNTIL:.0f} s, after {len(tries)} tries{outcome}"
    return Mistake(said, hint)


def _missing(test: TillTest) -> Mistake | None:
    count = test.count
    for order, when in test.returned.items():
        if count[order]:
            continue
        tries = test.tries[order]
        said = f"send returned for {order} at {when:.1f} s, and the log does not have it"
        last = tries[-1]
        if last.outcome == "no answer":
            return Mistake(said, "None is no yes: the order may be there or not")
        if last.outcome != "yes":
            return Mistake(said, f"the last try of it: {last.outcome}. When may `send` give up?")
        return Mistake(said, f"acks={last.acks!r} was answered yes: which replicas had it then?")
    return None


def _twice(test: TillTest) -> Mistake | None:
    for order, times in test.count.items():
        if times > 1:
            numbers = sorted({each.number for each in test.tries[order]})
            often = "twice" if times == 2 else f"{times} times"
            said = f"{order} is in the log {often}, after {len(test.tries[order])} tries"
            hint = "a try without an answer may have been appended: by what does the log know it?"
            if len(numbers) > 1:
                hint = f"it was sent under the numbers {', '.join(map(str, numbers))}"
            return Mistake(said, hint)
    return None


def _swapped(test: TillTest) -> Mistake | None:
    numbers = [int(str(order).rpartition("-")[2]) for order in test.kept]
    for before, after in pairwise(numbers):
        if after < before:
            said = f"order-{before} is in the log before order-{after}"
            return Mistake(said, "send returns only when its order is in the log")
    return None


def _replay(test: TillTest, said: str) -> Run:
    """Return the run that a replay shows: the lanes, the answers, and what became of the orders."""
    told: dict[Hashable, str] = {order: _told(tries) for order, tries in test.tries.items()}
    trace = Trace()
    trace.records += test.trace.records
    context = Context(tables={"promises": PromiseAnalysis({NAME: told}, test.kept)})
    charts = ("replicas", "answers", "promises")
    verdict = f"seed {test.seed}: {said}."
    return Run(None, test.seed, trace, UNTIL, {}, verdict, context=context, charts=charts)


def _told(tries: list[Try]) -> str:
    """Return what the till knows of an order after these tries."""
    outcomes = [each.outcome for each in tries]
    if "yes" in outcomes:
        return "yes"
    return "maybe" if "no answer" in outcomes else "no"
