"""The simulation for exercises 09.1 and 09.2: two members of a group that may crash, or stand
still, at any call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream
from mqlearn.study.exercise import Answer, Mistake, RunawayAnswer

EVENTS, AT_ONCE, EVERY = 60, 20, 0.5  # 20 wait at the start, the others come every half second
INTERVAL = 10  # events that a crash may repeat
CALM, UNTIL = 45.0, 75.0  # from 45 s on no member crashes or stands still, so that all can be done
MOST = 1_000  # calls in one instant; an answer with more is a loop that would never end
GROUP = "shop"


@dataclass
class CrashTest:
    """One seed: a stream of two partitions, two members, A and B, and what they did. Times are in
    seconds.
    """

    sim: Simulation
    seed: int
    with_database: bool
    trace: Trace = field(default_factory=Trace)
    done: Counter[str] = field(default_factory=Counter)  # effects, by event
    mistake: Mistake | None = None  # the first that was seen while it ran
    deaths: int = 0
    transactions: int = 0
    answer: Answer = field(default_factory=Answer)  # of the last step, or of the first that raised
    # by event: the time (s) and the name of the member that crashed after it polled the event
    lost_by: dict[str, tuple[float, str]] = field(default_factory=dict)
    ended: float = UNTIL  # when it was over (s)
    missing: list[StreamEvent] = field(default_factory=list)  # without an effect at the end
    lag: int = 0  # events not committed at the end
    _chances: int = 0  # calls of `maybe_crash`, which number its draws
    _calls_now: tuple[float, int] = (0.0, 0)  # a time (s), and the calls at it

    def __post_init__(self) -> None:
        self.stream = EventStream("orders", 2, runtime=self.sim, trace=self.trace)
        # A stall of nine seconds is longer than the session, but shorter than the poll interval.
        self.stream.group(GROUP, session_timeout=6.0, heartbeat_interval=1.0, poll_interval=30.0)
        self.consumers: dict[str, CrashingConsumer] = {}  # by the name of the process

    @property
    def over(self) -> bool:
        """True if a mistake was seen, or all events are appended and committed, or the time is
        over.
        """
        log = self.stream
        ends = (
            self.mistake is not None
            or self.sim.now >= UNTIL - 1
            or (
                sum(each.end for each in log.partitions) == EVENTS
                and not any(log.lag(GROUP).values())
            )
        )
        if ends:
            self.ended = min(self.ended, self.sim.now)
        return ends

    def consumer(self) -> CrashingConsumer:
        """Return the consumer of the process that runs now."""
        task = self.sim.current_task()
        assert task is not None
        return self.consumers[task.name]

    def note(self, what: str, entry: int, message_id: str, detail: object) -> None:
        """Add a record of the process that runs now."""
        self.trace.note(
            self.sim.now,
            what,
            f"orders/{GROUP}",
            entry=entry,
            message_id=message_id,
            attempt=1,
            worker=self.consumer().member,
            detail=detail,
        )

    def effect(self, event: StreamEvent) -> None:
        """Count an effect of this event on the world outside, such as a card that is charged."""
        self.done[event.event_id] += 1
        self.note("effect", event.sequence_number, event.event_id, event.event_id)
        self.consumer().handled.append((event.partition, event.sequence_number))
        if self.with_database and self.done[event.event_id] > 1 and self.mistake is None:
            self.mistake = Mistake(
                f"{event.event_id} was charged again at {self.sim.now:.1f} s",
                "what says, inside the transaction, that this event was charged already?",
            )

    def maybe_crash(self) -> None:
        """Crash the process that runs now, in 3 % of the calls; also end an answer that makes too
        many calls in one instant.
        """
        then, calls = self._calls_now
        self._calls_now = self.sim.now, calls + 1 if then == self.sim.now else 0
        if self._calls_now[1] > MOST:
            raise RunawayAnswer
        self._chances += 1
        if self.sim.now < CALM and self.sim.draw("death", self._chances) < 0.03:
            raise WorkerCrash

    def record_crash(self) -> None:
        """Count the crash of the process that runs now, and check how many events will be repeated
        because they were done and not committed.
        """
        consumer = self.consumer()
        consumer.die()
        self.deaths += 1
        self.note("finished", 0, "", "crashed")
        # Of an event that several members have polled, the last crash is the one that lost it.
        self.lost_by |= {event.event_id: (self.sim.now, consumer.name) for event in consumer.polled}
        # A set: an event that was done twice is still only one event to repeat.
        committed = consumer.group.committed
        again = sum(
            offset >= committed.get(partition, 0) for partition, offset in set(consumer.handled)
        )
        if again > INTERVAL and not self.with_database and self.mistake is None:
            self.mistake = Mistake(
                f"{consumer.name} died at {self.sim.now:.1f} s with {again} events done and not "
                "committed",
                f"commit after at most {INTERVAL} events",
            )

    def close(self) -> None:
        """Count the events that are not done, and those that are not committed, at the end."""
        self.missing = [each for each in self.stream.history() if not self.done[each.event_id]]
        self.lag = sum(self.stream.lag(GROUP).values())


class CrashingConsumer(Consumer):
    """A consumer whose process may crash just before and just after each call.

    Before a poll or a commit nothing has happened yet; after it, it has happened, but the answer
    does not know.
    """

    def __init__(self, test: CrashTest, name: str) -> None:
        super().__init__(test.stream, GROUP, name=name)
        self._test = test
        self.polled: list[StreamEvent] = []
        # partition and offset of each event with an effect
        self.handled: list[tuple[int, int]] = []

    def poll(
        self, n: int = INTERVAL, timeout: float | None = 1.0, **options: Any
    ) -> list[StreamEvent]:
        """Return at most `n` events, waiting at most `timeout` seconds."""
        self._test.maybe_crash()
        events = super().poll(n, timeout, **options)
        self.polled += events
        self._test.maybe_crash()
        return events

    def commit(self, offsets: Mapping[int, int] | None = None) -> bool:
        """Commit as any consumer does; it may crash before, and after the commit is made."""
        self._test.maybe_crash()
        accepted = super().commit(offsets)
        self._test.maybe_crash()
        return accepted
