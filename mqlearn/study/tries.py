"""A run made from tries that are already known, so that charts can show what an exercise computed.

    retried = Life("order-1", 0.0, (Try(0.0, 0.5, Outcome("failed", "timeout")), Try(2.5, 3.0)))
    run = run_of_tries(None, [retried])
    run.tries()                            # one row for each try, as of any other run

No queue is simulated. A `Life` has the times of one message: when it was sent, when a handler was
called for it, and how each call ended. The records of the trace follow from these. Each try is a
delivery of its own, unless the life has one `Delivery` around all its tries:

    pushed = Life("order-2", 0.0, (Try(0.5, 1.5),), delivery=Delivery(0.25, 2.0))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NamedTuple

from mqlearn.messaging.message import COMPLETED, MessagePriority, Outcome
from mqlearn.runtime.trace import Listener, Record, Trace
from mqlearn.study.run import Run

# The order of records at one instant, as in a real queue: extra ones, then tries end and free their
# workers, then messages are sent or come back, then tries begin.
EXTRA, ENDS, ARRIVES, BEGINS = range(4)
UNDELIVERED = ("sent", "due", "redriven")  # these have no receipt
# These are recorded by a worker, which knows the receipt of its delivery and no entry.
CALLED = ("batched", "started", "finished")


class Try(NamedTuple):
    """One call of a handler for a message, from `start` to `end` (s), by `worker`.

    `outcome` is the end of the call; None: it never ended, and the message stays in flight. `batch`
    is the number of messages in the call, given for the first of them only. It is 0 for the others,
    and for calls without batches.
    """

    start: float
    end: float
    outcome: Outcome | None = COMPLETED
    worker: str = "worker-0"
    batch: int = 0


class Delivery(NamedTuple):
    """One delivery around all the tries of a message: the times (s) at which `worker` received it
    and at which it was settled.

    So a worker can hold a message before it calls the handler, call the handler more than once with
    it, and send an ack that takes time to arrive. A message whose `outcome` is not completed goes
    to the dead letters.
    """

    received: float
    settled: float
    outcome: Outcome = COMPLETED
    worker: str = "worker-0"


class Life(NamedTuple):
    """One message: its id, when it was sent (s), and its tries in order of time.

    Each try ends as in a queue. After a completed try the message is acked; after a released one it
    waits for the next try; after a rejected one it goes to the dead letters. After a failed try it
    waits for the next one, or goes to the dead letters if there is none. A try of a dead letter
    begins with a redrive.

    `dead` is the reason of a message that is a dead letter from the time at which it was sent. Each
    failed try sends such a message back to the dead letters: only a redrive starts the next try.

    With a `delivery`, all tries are calls within it, and only its outcome settles the message.
    """

    id: str
    sent: float
    tries: Sequence[Try] = ()
    priority: MessagePriority = MessagePriority.NORMAL
    dead: str = ""
    delivery: Delivery | None = None

    def dies(self, index: int) -> bool:
        """Return True if this try ends and sends the message to the dead letters."""
        outcome = self.tries[index].outcome
        if outcome is None or outcome.kind in ("completed", "released"):
            return False
        last = index == len(self.tries) - 1
        return outcome.kind == "rejected" or bool(self.dead) or last

    def place(self, time: float) -> str:
        """Return the place of the message in its queue at `time` (s), after all that happens at
        that instant; "" before it is sent.
        """
        if time < self.sent:
            return ""
        if self.delivery is not None:
            if time < self.delivery.received:
                return "waiting"
            if time < self.delivery.settled:
                return "in flight"
            return "completed" if self.delivery.outcome.kind == "completed" else "dead"
        begun = sum(each.start <= time for each in self.tries)
        if not begun:
            return "dead" if self.dead else "waiting"
        last = self.tries[begun - 1]
        if last.outcome is None or time < last.end:
            return "in flight"
        if last.outcome.kind == "completed":
            return "completed"
        if self.dies(begun - 1):
            return "dead"
        return "delayed" if begun < len(self.tries) else "waiting"


class Event(NamedTuple):
    """One record of a life, before its entry and its receipt have numbers."""

    time: float
    rank: int  # its turn among the records of one instant: EXTRA, ENDS, ARRIVES or BEGINS
    name: str
    attempt: int = 0
    worker: str = ""
    detail: Any = None


@dataclass
class TriedQueue:
    """The part of a queue that a trace needs for its balance: a name, and the number of messages in
    each place at `until` (s).

    The messages are counted from the lives, not from the records, so that the balance compares two
    independent counts.
    """

    name: str
    lives: Sequence[Life]
    until: float

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Do nothing: the records come from `run_of_tries`."""

    def census(self) -> Mapping[str, int]:
        return Counter(life.place(self.until) for life in self.lives)


def run_of_tries(
    scenario: Any,
    lives: Sequence[Life],
    until: float | None = None,
    *,
    seed: int = 0,
    queue: str = "orders",
    extra: Iterable[Record] = (),
    **fields: Any,
) -> Run:
    """Return the run of messages that had these tries, observed until `until` (s).

    Without `until` the run ends with its last record. `queue` is the name of the queue in the
    trace. `extra` are records of other sources, such as a breaker. `fields` are further fields of
    the `Run`, such as `verdict` and `theory`.

    The records are in order of time. At one instant the extra records come first, in their given
    order; then tries end, then messages are sent or due, then tries begin. Several records of the
    same rank are in the order of `lives`. The records of one life stay in sequence, also if a try
    takes no time.

    Raises ValueError for a life whose times are not in order.
    """
    happened: list[tuple[float, int, int, Event | Record]] = [
        (record.time, EXTRA, 0, record) for record in extra
    ]
    for index, life in enumerate(lives):
        happened += [(event.time, event.rank, index, event) for event in _in_sequence(life)]
    happened.sort(key=lambda each: each[:3])
    end = max((time for time, *_ in happened), default=0.0) if until is None else until
    trace = Trace()
    trace.watch(TriedQueue(queue, lives, end), at_close=lambda _: None)
    entries, receipts = count(1), count(1)
    entry_of: dict[int, int] = {}
    receipt_of: dict[int, int] = {}
    for time, _, index, event in happened:
        if time > end:
            break
        if isinstance(event, Record):
            trace.record(event)
            continue
        if event.name == "sent":
            entry_of[index] = next(entries)
        elif event.name == "received":
            receipt_of[index] = next(receipts)
        trace.note(
            time,
            event.name,
            queue,
            entry=0 if event.name in CALLED else entry_of[index],
            message_id=lives[index].id,
            priority=lives[index].priority.name,
            attempt=event.attempt,
            worker=event.worker,
            receipt=0 if event.name in UNDELIVERED else receipt_of[index],
            detail=event.detail,
        )
    trace.freeze()
    return replace(Run.of(trace, end), scenario=scenario, seed=seed, **fields)


def _in_sequence(life: Life) -> Iterator[Event]:
    """Yield the events of a life, each with a rank that sorts it after the event before it."""
    time, rank = life.sent, ARRIVES
    for event in _events(life):
        if event.time < time:
            raise ValueError(
                f"the times of {life.id} must not go back, got {event.time:g} s after {time:g} s"
            )
        # A try that takes no time ends at its own start: its end must not be sorted before that.
        rank = max(rank, event.rank) if event.time == time else event.rank
        time = event.time
        yield event._replace(rank=rank)


def _events(life: Life) -> Iterator[Event]:
    """Yield the events of a life in sequence, each with the rank of its kind."""
    attempts = count(1)
    yield Event(life.sent, ARRIVES, "sent")
    if life.delivery is not None:
        yield from _in_one_delivery(life.delivery, life.tries)
        return
    if life.dead:
        attempt = next(attempts)
        yield Event(life.sent, ARRIVES, "received", attempt)
        yield Event(life.sent, ARRIVES, "dead", attempt, detail=life.dead)
    for index, (start, end, outcome, worker, _) in enumerate(life.tries):
        # What comes before this try: after a failure the message is due again, unless it waited
        # without a delay; after a death it is redriven; the first try needs nothing.
        if index and not life.dies(index - 1):
            before = life.tries[index - 1]
            if start > before.end:
                yield Event(start, ARRIVES, "due", attempt)
        elif index or life.dead:
            yield Event(start, ARRIVES, "redriven", attempt)
        attempt = next(attempts)
        yield Event(start, BEGINS, "received", attempt, worker)
        yield from _called(life.tries[index], attempt)
        if outcome is None:
            return
        delay = life.tries[index + 1].start - end if index + 1 < len(life.tries) else 0.0
        name, detail = _settled(outcome, life.dies(index), delay)
        yield Event(end, ENDS, name, attempt, worker, detail)


def _in_one_delivery(delivery: Delivery, tries: Sequence[Try]) -> Iterator[Event]:
    received, settled, outcome, worker = delivery
    yield Event(received, BEGINS, "received", 1, worker)
    for each in tries:
        yield from _called(each, 1)
    name, detail = _settled(outcome, outcome.kind != "completed", 0.0)
    yield Event(settled, ENDS, name, 1, worker, detail)


def _called(each: Try, attempt: int) -> Iterator[Event]:
    """Yield the events of one call of the handler."""
    if each.batch:
        yield Event(each.start, BEGINS, "batched", attempt, each.worker, each.batch)
    yield Event(each.start, BEGINS, "started", attempt, each.worker)
    if each.outcome is not None:
        yield Event(each.end, ENDS, "finished", attempt, each.worker, str(each.outcome))


def _settled(outcome: Outcome, dies: bool, delay: float) -> tuple[str, Any]:
    """Return the event that settles a try, and its detail; `delay` is the time until the next try
    (s).
    """
    if outcome.kind == "completed":
        return "acked", None
    if dies:
        return "dead", outcome.reason or outcome.kind
    if outcome.kind == "released":
        return ("postponed", delay) if delay else ("released", None)
    return ("delayed", delay) if delay else ("nacked", outcome.reason or None)
