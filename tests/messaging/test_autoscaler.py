"""An autoscaler: what it sees, what it does with the answer of its rule, and the rules."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mqlearn import (
    Autoscaler,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    MonitoredMessageProcessor,
    Release,
    Seen,
    Simulation,
    ThreadRuntime,
    Trace,
    scale_by_age,
    scale_by_depth,
    scale_by_flow,
    scale_by_step,
)
from mqlearn.messaging.autoscaler import ScalingRule
from mqlearn.study.arrivals import poisson
from tests.house.world import Plain

DEADLINE = 10.0  # seconds of real time, only reached by a test that fails


def seen(**fields: Any) -> Seen:
    """What is seen of 5 workers without work; `fields` say what is different."""
    calm: dict[str, Any] = {
        "now": 0.0, "waiting": 0, "oldest_s": 0.0, "running": 5, "starting": 0, "busy": 0,
        "arrived": 0, "done": 0, "every_s": 15.0, "service_s": 1.0, "start_up_s": 60.0,
    }  # fmt: skip
    return Seen(**calm | fields)


class Shop:
    """A queue with a trace, workers of `service` seconds, and an autoscaler that keeps what it
    saw.
    """

    def __init__(
        self,
        sim: Simulation,
        rule: Callable[[Seen], Any],
        *,
        service: float = 10.0,
        workers: int = 1,
        **options: Any,
    ) -> None:
        self.sim, self.trace, self.saw = sim, Trace(), list[Seen]()
        self.queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim, trace=self.trace)
        self.processor = MessageProcessor(self.queue)
        self.processor.register_processor("default", lambda message: sim.sleep(service))
        self.processor.start_workers(workers)
        self.rule = rule
        self.scaler = Autoscaler(self.processor, self.look, **options)

    def look(self, seen: Seen) -> Any:
        self.saw.append(seen)
        return self.rule(seen)

    def send(self, *names: str) -> None:
        for name in names:
            self.queue.send(Message(id=name))

    @property
    def wanted(self) -> list[tuple[float, int]]:
        """When the autoscaler scaled, and how many workers it then had or was starting."""
        return [
            (r.time, r.detail.starting + r.detail.running)
            for r in self.trace.records
            if r.event == "scaled" and r.worker == "autoscaler"
        ]


def test_it_sees_what_waits_what_works_and_what_came_since_the_last_look(sim: Simulation) -> None:
    """One worker of 9 s, three messages at 0 and one at 20 s; a second worker is ordered at 15 s
    and works from 75 s on.
    """
    shop = Shop(sim, lambda seen: 1 if seen.now < 15 else 2, service=9.0, start_up=60.0)
    shop.send("a", "b", "c")
    sim.call_at(20, lambda: shop.send("d"))
    shop.scaler.start()
    sim.run(until=80)
    one = {"running": 1, "service_s": 9.0}
    assert shop.saw == [
        seen(waiting=2, busy=1, running=1, service_s=0.0),
        seen(now=15, waiting=1, oldest_s=15, busy=1, done=1, **one),
        seen(now=30, oldest_s=10, starting=1, busy=1, arrived=1, done=2, **one),
        seen(now=45, starting=1, done=1, **one),
        seen(now=60, starting=1, **one),
        seen(now=75, running=2, service_s=9.0),
    ]
    assert shop.wanted == [(0, 1)] + [(15.0 * n, 2) for n in range(1, 6)]


def test_a_retry_is_an_arrival_and_a_release_is_none(sim: Simulation) -> None:
    """`a` fails twice before it is done; `b` is given back and done."""
    shop = Shop(sim, lambda seen: 1, every=100.0)
    fates = {"a": [False, False], "b": [Release()]}

    def handle(message: Message) -> object:
        sim.sleep(1.0)
        fate = fates[message.id].pop(0) if fates[message.id] else True
        if isinstance(fate, Release):
            raise fate
        return fate

    shop.processor.register_processor("default", handle)
    shop.scaler.start()
    sim.call_at(1, lambda: shop.send("a", "b"))
    sim.run(until=100)
    assert [(s.arrived, s.done) for s in shop.saw] == [(0, 0), (4, 2)]


def test_the_service_is_the_mean_of_the_last_four_looks(sim: Simulation) -> None:
    """One message a look: 2 s each, then 8 s each; after four looks the old ones are forgotten."""
    shop = Shop(sim, lambda seen: 1, every=10.0)
    shop.processor.register_processor(
        "default", lambda message: sim.sleep(2.0 if sim.now < 55 else 8.0)
    )
    shop.scaler.start()
    for number in range(12):
        sim.call_at(10.0 * number + 1, lambda n=number: shop.send(f"{n}"))
    sim.run(until=120)
    means = [s.service_s for s in shop.saw]
    assert means == [0.0, *[2.0] * 6, 3.5, 5.0, 6.5, 8.0, 8.0, 8.0]


def test_the_answer_is_rounded_up_and_kept_between_the_limits(sim: Simulation) -> None:
    """Also one of numpy."""
    answers = iter([2.1, 3, np.float64(2.5), -7, 1e9, np.int64(4)])
    shop = Shop(sim, lambda seen: next(answers), limits=(1, 10))
    assert [shop.scaler.look() for _ in range(6)] == [3, 3, 3, 1, 10, 4]


def test_with_a_cool_down_the_largest_answer_of_that_time_counts(sim: Simulation) -> None:
    """Up at once, down when the largest is 60 s old."""
    wishes = {0.0: 2, 15.0: 5, 30.0: 3, 60.0: 9}
    shop = Shop(sim, lambda seen: wishes.get(seen.now, 1), cool_down=60.0)
    shop.scaler.start()
    sim.run(until=150)
    assert [n for _, n in shop.wanted] == [2, 5, 5, 5, 9, 9, 9, 9, 1, 1, 1]


def test_a_rule_that_fails_leaves_the_workers_as_they_are(sim: Simulation) -> None:
    """Those that are starting as well. The run says so at its end; the next look asks again."""

    def rule(seen: Seen) -> float:
        return {0.0: 3, 15.0: float("nan"), 30.0: 1}[seen.now]

    shop = Shop(sim, rule, start_up=20.0)
    shop.scaler.start()
    with pytest.raises(ValueError, match=r"desired\(\) must be finite, got nan"):
        sim.run(until=30)
    assert [n for _, n in shop.wanted] == [3, 3, 1]


def test_it_alone_keeps_no_run_going_and_stops(sim: Simulation) -> None:
    """A run ends with its last message; after `stop` nothing is looked at; it can start again."""
    shop = Shop(sim, lambda seen: 1)
    shop.scaler.start()
    shop.send("a", "b")
    sim.run()
    assert sim.now == 20
    with pytest.raises(RuntimeError, match="running already"):
        shop.scaler.start()
    shop.scaler.stop()
    shop.scaler.start()
    shop.scaler.stop()
    sim.run(until=20)
    assert not sim._tasks.keys() - set(shop.processor.workers), "it waits for its next look"
    sim.run(until=100)
    assert [s.now for s in shop.saw] == [0, 15]
    shop.scaler.start()
    sim.run(until=100)
    assert [(s.now, s.every_s) for s in shop.saw] == [(0, 15), (15, 15), (100, 85)]


def test_while_the_workers_are_stopped_nothing_is_done(sim: Simulation) -> None:
    """They are scaled again when they have been started again, also from none."""
    shop = Shop(sim, lambda seen: 0 if seen.now < 50 else 2, limits=(0, 10))
    shop.scaler.start()
    sim.run(until=5)
    assert shop.processor.started and not shop.processor.running
    shop.processor.stop_workers()
    sim.call_at(40, lambda: shop.processor.start_workers(1))
    sim.run(until=70)
    assert [time for time, _ in shop.wanted] == [0, 45, 60]
    assert shop.processor.count_workers().running == 2


def test_an_error_of_the_pool_itself_is_raised(
    sim: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no stopped pool."""

    def broken(*args: object, **options: object) -> None:
        raise RuntimeError("a bug in the pool")

    shop = Shop(sim, lambda seen: 1)
    monkeypatch.setattr(shop.processor, "scale_to", broken)
    shop.scaler.start()
    with pytest.raises(RuntimeError, match="a bug in the pool"):
        sim.run(until=1)


def test_a_pool_that_measures_its_queue_is_asked(sim: Simulation) -> None:
    """And not measured a second time."""
    queue = InMemoryMessageQueue(runtime=sim)
    processor = MonitoredMessageProcessor(queue)
    assert Autoscaler(processor, scale_by_flow())._metrics is processor.metrics


@pytest.mark.parametrize(
    ("rule", "sees", "wants"),
    [
        (scale_by_step(), {"waiting": 101}, 6),
        (scale_by_step(), {"waiting": 100}, 5),
        (scale_by_step(), {"waiting": 1, "starting": 2}, 7),
        (scale_by_step(), {"waiting": 0, "starting": 2}, 6),
        (scale_by_step(20, 5), {"waiting": 5}, 4),
        (scale_by_depth(), {"waiting": 25}, 2.5),
        (scale_by_depth(5), {"waiting": 25, "starting": 9}, 5),
        (scale_by_age(), {"oldest_s": 10.0, "waiting": 1}, 5),
        (scale_by_age(), {"oldest_s": 10.1, "starting": 1}, 12),
        (scale_by_age(), {"oldest_s": 1.0, "waiting": 0}, 4),
        (scale_by_flow(), {"arrived": 120, "waiting": 30}, 10.5),
        (scale_by_flow(0.5, 30.0), {"arrived": 120, "waiting": 30, "service_s": 2.0}, 34),
        (scale_by_flow(), {"arrived": 120, "every_s": 30.0}, 5),
    ],
)
def test_each_rule_counts_as_its_definition_says(
    rule: ScalingRule, sees: dict[str, Any], wants: float
) -> None:
    """Five workers run, one service takes a second."""
    assert rule(seen(**sees)) == pytest.approx(wants)


def rush(rule: ScalingRule, start_up: float) -> tuple[int, int, float]:
    """2/s, from 100 to 400 s 12/s, then 2/s; a worker does 1/s. Peak of the workers, how often
    their number turned round, and the longest wait (s).
    """
    with Simulation(1) as sim:
        shop = Shop(sim, rule, service=1.0, workers=2, start_up=start_up, limits=(2, 100))
        shop.scaler.start()
        times = poisson(12.0, 600.0, sim.draw)
        for number, time in enumerate(times):
            if 100 <= time < 400 or number % 6 == 0:
                sim.call_at(time, lambda n=number: shop.send(f"{n}"))
        sim.run(until=600)
        records = shop.trace.records
        sent = {r.message_id: r.time for r in records if r.event == "sent"}
        waits = [r.time - sent[r.message_id] for r in records if r.event == "received"]
        numbers = [n for _, n in shop.wanted]
        steps = [b > a for a, b in pairwise(numbers) if a != b]
        turns = sum(a != b for a, b in pairwise(steps))
        return max(numbers), turns, max(waits)


def test_a_rule_by_depth_hunts_when_workers_start_slowly_and_one_by_flow_does_not() -> None:
    """12 workers are needed. By depth more than 60 are ordered for a backlog that the start-up
    itself has made; without a start-up the same rule is fine.
    """
    hunting, calm = rush(scale_by_depth(), 60.0), rush(scale_by_depth(), 0.0)
    flow = rush(scale_by_flow(), 60.0)
    assert hunting[0] > 60 and calm[0] < 20 and flow[0] < 32
    assert flow[2] < hunting[2] < 75 and calm[2] < 15
    assert rush(scale_by_depth(), 60.0) == hunting, "the same seed, another run"


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"desired": 5}, TypeError, "desired must be callable, got 5"),
        ({"every": 0}, ValueError, "every must be positive, got 0"),
        ({"start_up": -1}, ValueError, "start_up must not be negative, got -1"),
        ({"cool_down": float("inf")}, ValueError, "cool_down must be finite, got inf"),
        ({"limits": 5}, TypeError, r"limits must be two numbers of workers .* got 5"),
        ({"limits": (-1, 5)}, ValueError, r"limits\[0\] must be at least 0, got -1"),
        ({"limits": (3, 2)}, ValueError, r"limits\[1\] must be at least 3, got 2"),
        ({"limits": (0, 0)}, ValueError, r"limits\[1\] must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused(
    sim: Simulation, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Before anything is started; so is a queue that cannot be observed, or no pool at all."""
    processor = MessageProcessor(InMemoryMessageQueue(runtime=sim))
    with pytest.raises(error, match=said):
        Autoscaler(processor, **{"desired": scale_by_depth(), **given})
    for blind in (MessageProcessor(Plain()), MonitoredMessageProcessor(Plain())):
        with pytest.raises(TypeError, match="processor must have a queue that is observable, got"):
            Autoscaler(blind, scale_by_depth())
    with pytest.raises(TypeError, match="processor must be Workers"):
        Autoscaler(processor.queue, scale_by_depth())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: scale_by_depth(0), "per_worker must be positive, got 0"),
        (lambda: scale_by_age(0), "limit must be positive, got 0"),
        (lambda: scale_by_flow(0), "utilisation must be positive, got 0"),
        (lambda: scale_by_flow(1.1), "utilisation must be at most 1, got 1.1"),
        (lambda: scale_by_flow(catch_up=0), "catch_up must be positive, got 0"),
        (lambda: scale_by_step(-1), "above must be at least 0, got -1"),
        (lambda: scale_by_step(5, 6), "below must be at most 5, got 6"),
    ],
)
def test_a_rule_of_an_impossible_number_is_refused(make: Callable[[], object], said: str) -> None:
    """When it is made."""
    with pytest.raises(ValueError, match=f"^{said}$"):
        make()


def test_on_threads_it_looks_again_and_again_and_stops() -> None:
    """Ten looks on a real clock: one worker more each time, all of them there at the end."""
    runtime, looked, changed = ThreadRuntime(), list[Seen](), threading.Condition()
    queue = InMemoryMessageQueue(runtime=runtime)
    processor = MessageProcessor(queue)
    processor.start_workers(1)

    def rule(seen: Seen) -> int:
        with changed:
            looked.append(seen)
            changed.notify_all()
        return min(10, len(looked))

    scaler = Autoscaler(processor, rule, every=0.001)
    scaler.start()
    with changed:
        assert changed.wait_for(lambda: len(looked) > 10, DEADLINE)
    first = scaler._task
    scaler.stop()
    scaler.start()
    assert first is not None and first is not scaler._task
    first.join(DEADLINE)
    assert not first.is_alive() and processor.count_workers().running == 10
    scaler.stop()
    processor.stop_workers(timeout=DEADLINE)
