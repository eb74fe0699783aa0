"""Metrics on days on which everything goes wrong: every number is the trace's, and a wrong one is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageQueueMetrics,
    MonitoredMessageProcessor,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
    Trace,
)
from mqlearn.messaging import tally
from mqlearn.study.faults import Faults
from tests.messaging.recount import agree


class Rough:
    """A shop in which everything goes wrong that can, with its trace and its metrics."""

    def __init__(self, sim: Simulation, window: float | None = 20.0) -> None:
        self.sim, self.trace = sim, Trace()
        dice = sim.random
        self.queue = InMemoryMessageQueue(dice.choice((5, 1000)), visibility_timeout=dice.choice((None, 4.0, 6.0)),
                                          retry=dice.choice((None, RetryPolicy(1.0))), runtime=sim,
                                          on_full=dice.choice(("reject", "block", "drop_oldest")), trace=self.trace)
        faults = Faults(failure_rate=0.2, poison=0.05, crash_before=0.03, crash_after=0.03, lost_ack=0.1,
                        duplicates=0.1)
        self.link = faults.link(self.queue)
        self.processor = MonitoredMessageProcessor(self.link, prefetch=dice.choice((1, 3)), window=window)
        self.processor.register_processor("default", faults.handler(
            self.handle, sim, seconds=lambda m: 5 * sim.draw("work", m.id, m.retry_count)))
        self.errors = 0

    def handle(self, message: Message) -> object:
        fate = self.sim.draw("fate", message.id)
        if fate < 0.05:
            raise Reject("no such order")
        if fate < 0.1 and message.attempt == 1:
            raise Release(self.sim.random.choice((0.0, 2.0)))
        return fate > 0.2 or message.attempt > 1

    def produce(self) -> None:
        for number in range(60):
            self.link.send(Message(id=f"order-{number}", ttl=self.sim.random.choice((3600, 8)),
                                   headers={"type": "nobody"} if number % 17 == 0 else {}),
                           delay=self.sim.random.choice((0.0, 0.0, 3.0)), timeout=1.0)
            self.sim.sleep(0.7 * self.sim.random.random())
        self.queue.redrive(limit=5)
        self.sim.sleep(5.0)
        self.queue.purge()


def rough_day(seed: int, window: float | None = 20.0) -> list[str]:
    """One such day, every number compared with the trace at eight instants; which kinds of record there were."""
    with Simulation(seed) as sim:
        shop = Rough(sim, window)
        late = MessageQueueMetrics(shop.queue)
        sim.spawn(shop.produce)
        shop.processor.start_workers(3)
        for instant in (0.0, 0.5, 3.0, 9.0, 17.0, 30.0, 60.0, 200.0):
            sim.run(until=instant)
            agree(shop.processor.metrics, shop.trace, sim.now, handled=True)
            agree(late, shop.trace, sim.now)
        return [record[1] for record in shop.trace.records]


def test_every_number_is_the_traces_on_forty_rough_days() -> None:
    """Counts, places, ages, percentiles and rates at eight instants of each, and no kind of move is missing."""
    met = {event for seed in range(40) for event in rough_day(seed, (None, 20.0)[seed % 2])}
    assert met >= tally.MOVES.keys() - {"carried"}


def forgets(name: str, event: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A table of the tally without this kind of record."""

    def harm(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(tally, name, {k: v for k, v in getattr(tally, name).items() if k != event})
    return harm


def replaces(name: str, method: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """A method of the tally done otherwise."""
    return lambda patch: patch.setattr(tally.Tally, name, method)


TALLY = tally.Tally
HARMS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a lost lease is no failure": forgets("COUNTED", "lease_lost"),
    "the last failure is not charged": replaces(
        "_died", lambda self, event, detail: self.reasons.update([detail if event == "dead" else event])),
    "an expired message is no dead letter": forgets("COUNTED", "expired"),
    "a delayed retry is no failure": forgets("COUNTED", "delayed"),
    "a scheduled message is not sent": forgets("COUNTED", "scheduled"),
    "the window never moves": replaces("_trim", lambda self, what, now: None),
    "a redriven message has its old age": replaces(
        "_move", lambda self, time, entry, frm, to: MOVE(self, time, entry, "waiting" if frm == "dead" else frm, to)),
    "the dead still age": replaces(
        "_move", lambda self, time, entry, frm, to: [
            MOVE(self, time, entry, frm, to), self._since.setdefault(entry, time) if to == "dead" else None]),
    "a stale settling lands": replaces(
        "hear", lambda self, r: HEAR(self, (r[0], "acked", *r[2:]) if r[1] == "stale" else r)),
    "a lost lease leaves its delivery open": forgets("ERRORS", "lease_lost"),
}
MOVE, HEAR = TALLY._move, TALLY.hear


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_wrong_count_is_caught(harm: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault in the tally is seen within ten of the rough days."""
    harm(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        [rough_day(seed) for seed in range(10)]
