"""An adapter for a queue that is built in a notebook's cell: a scenario uses it in the place of the
package's own, and its calls are recorded in a trace.

    run_with_queue(PriorityMix(), NaiveQueue())      the run of a scenario with that queue in it

So a chart of such a run shows what the code in the notebook's cell does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.message import COMPLETED, RETRIES_EXHAUSTED, Message, Outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.books import UnbalancedBooks
from mqlearn.runtime.handed_in import Listeners
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Listener, Record, Trace
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario


class QueueAdapter(MessageQueue):
    """A `MessageQueue` around `built`, which has `send(message)`, `receive()` and a length: the
    number of messages that wait.

    If `send` returns False, the message was refused. `built` decides which message `receive`
    returns next; None means that no message waits. It is called whenever a worker wants a message
    and one may be there. `built` may also have
    `ack(message)` and `nack(message)`, with a dict `in_flight` and a list `dead`: then they are
    called when a try has ended. Without them, `built` keeps no message that it has handed out.

    The trace gets one record for each call. The balance of the trace compares the records with what
    `built` itself holds: its length, and the lengths of `in_flight` and `dead`. So it shows a
    message that `built` has lost. Each message id may be sent only once.
    """

    observable = True

    def __init__(
        self, built: Any, runtime: Runtime, *, trace: Trace | None = None, name: str = "orders"
    ) -> None:
        check.instance("runtime", runtime, Runtime)
        for needed in ("send", "receive", "__len__"):
            if not hasattr(built, needed):
                raise TypeError(f"built must have {needed}, got {type(built).__name__} without it")
        self.built, self.name = built, name
        self._runtime: Runtime = runtime
        self.trace: Trace = Trace() if trace is None else trace
        # By message id: the number of its entry, its attempts so far, and its current delivery. The
        # adapter counts them, because a queue built in a cell need not know of any of them.
        self._numbers: dict[str, int] = {}
        self._attempts: dict[str, int] = {}
        self._held: dict[str, Message] = {}
        self._receipts = 0
        self._listeners = Listeners()
        self._lock = runtime.lock()
        self._available = runtime.condition(self._lock)
        self.trace.watch(self, runtime.at_close)

    def listen(self, listener: Listener, *, existing: bool = False) -> None:  # noqa: ARG002 - it began empty
        """Pass every record on to `listener`, such as the trace or the metrics."""
        check.function("listener", listener)
        self._listeners.add(listener)

    def census(self) -> dict[str, int]:
        """Return the number of messages in each place, as the built queue itself holds them."""
        return {
            "waiting": len(self.built),
            "delayed": 0,
            "in flight": len(getattr(self.built, "in_flight", ())),
            "dead": len(getattr(self.built, "dead", ())),
        }

    def send(self, message: Message) -> bool:
        check.instance("message", message, Message)
        if message.id in self._numbers:
            found = check.short_repr(message.id)
            raise ValueError(f"id must not have been sent before, got {found}")
        with self._available:
            stored = message.copy()  # the caller's own object must not get a timestamp
            stored.timestamp = self._runtime.now
            # `built` is asked first: if it raises an error or refuses, nothing was sent
            accepted = self.built.send(stored) is not False
            if accepted:
                self._numbers[message.id] = len(self._numbers) + 1
            self._emit("sent" if accepted else "rejected", stored)
            self._available.notify()
        return accepted

    def receive(
        self, timeout: float | None = None, *, cancelled: Callable[[], bool] | None = None
    ) -> Message | None:
        """Return the next message, as the built queue decides; None after `timeout` seconds, or as
        soon as `cancelled()` is true.
        """
        timeout = check.number("timeout", timeout, low=0, optional=True)
        deadline = None if timeout is None else self._runtime.now + timeout
        with self._available:
            while cancelled is None or not cancelled():
                message = self.built.receive()
                if message is not None:
                    return self._hand_out(message)
                left = None if deadline is None else deadline - self._runtime.now
                if left is not None and left <= 0:
                    return None
                self._available.wait(left)
        return None

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        return self.receive(cancelled=cancelled)

    def _hand_out(self, message: Message) -> Message:
        if not isinstance(message, Message) or message.id not in self._numbers:
            raise ValueError(
                "built.receive must return a message that was sent, or None, got "
                f"{check.short_repr(message)}"
            )
        self._receipts += 1
        self._attempts[message.id] = self._attempts.get(message.id, 0) + 1
        message.attempt, message.receipt = self._attempts[message.id], self._receipts
        self._held[message.id] = message
        self._emit("received", message)
        return message

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Call the built queue's `ack` or `nack`, if it has them. False for a delivery that is not
        the current one of its message.
        """
        with self._available:
            held = self._held.get(delivery.id)
            if held is None or held.receipt != delivery.receipt:
                return False
            can_settle = hasattr(self.built, "ack")
            if outcome.kind == "completed":
                if can_settle:
                    self.built.ack(held)
                self._emit("acked", held)
            # Without a `nack` the failed message is lost, and the balance of the trace shows it.
            elif can_settle:
                self._give_back(held, outcome)
            # last: if `built` raises an error, the delivery is not settled
            del self._held[delivery.id]
        return True

    def _give_back(self, delivery: Message, outcome: Outcome) -> None:
        # `nack` says nothing about what it did: a longer list of dead letters does.
        dead_before = len(self.built.dead)
        self.built.nack(delivery)
        if len(self.built.dead) > dead_before:
            self._emit("dead", delivery, RETRIES_EXHAUSTED)
        else:
            self._emit("nacked", delivery, outcome.reason)
            self._available.notify()

    def ack(self, delivery: Message | str) -> bool:
        held = self._held.get(delivery.id if isinstance(delivery, Message) else delivery)
        return held is not None and self.settle(held, COMPLETED)

    def nack(self, delivery: Message | str, requeue: bool = True) -> bool:
        held = self._held.get(delivery.id if isinstance(delivery, Message) else delivery)
        return held is not None and self.settle(held, Outcome("failed" if requeue else "rejected"))

    def size(self) -> int:
        return len(self.built)

    def wake(self) -> None:
        with self._available:
            self._available.notify_all()

    def _emit(self, event: str, message: Message, detail: Any = None) -> None:
        now, worker = self._runtime.stamp()
        record = Record(
            now,
            event,
            self.name,
            self._numbers.get(message.id, 0),
            message.id,
            message.priority.name,
            message.attempt,
            worker,
            message.receipt,
            detail,
        )
        self._listeners.tell(record)


def run_of_trace(trace: Trace, until: float | None = None) -> Run:
    """Return the run of a trace, observed until `until` seconds (None: its last record). If the
    trace does not balance, this raises nothing: the verdict says which messages are missing.
    """
    try:
        return Run.of(trace, until)
    except UnbalancedBooks as missing:
        end = trace.records[-1][0] if until is None else until
        sent, done = (
            sum(record.event == event for record in trace.records) for event in ("sent", "acked")
        )
        totals: dict[str, float] = {"sent": sent, "done": done, "lost": sent - done}
        return Run(None, 0, trace, end, totals, f"The books do not balance: {missing}.")


def run_with_queue(scenario: Scenario, built: Any, *, seed: int = 0) -> Run:
    """Return the run of `scenario` with `built` as its queue."""
    with Simulation(seed) as sim:
        return scenario.run(seed, runtime=sim, queue=QueueAdapter(built, sim))
