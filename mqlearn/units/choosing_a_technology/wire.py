"""An engine that redelivers after a visibility time, and the wire client that reaches it.

    engine = Engine(sim, queue, calm=False)
    wire = engine.connect()          # waits while the engine is down
    packet = wire.fetch()            # Packet("h-1", "order-1", {"order": "order-1"}, 1), or None
    wire.delete(packet.handle)       # StaleHandle, or ConnectionLost before or after it was done

For exercise 14.2. The rules are those of Amazon SQS: each delivery has a handle of its own, a stale
handle is refused (by a FIFO queue, and by ElasticMQ always), and deleting twice with one handle is
no error. Here the same holds for releasing twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.exercise import short_repr

LOST = 0.05  # probability that a call loses its connection before the engine has the request, and
# again that it does so after the engine has done it and before the reply is there
CALL_S = 0.05  # seconds that a call takes, also one on a lost connection
WAIT_S = 1.0  # seconds for which a fetch waits for a message


class ConnectionLost(Exception):
    """The error of a call whose connection is lost. The engine may have done what was asked, or
    not; each further call on this connection raises again.
    """


class StaleHandle(Exception):
    """The error of a handle whose delivery is over: its visibility time has ended, or it was
    released.
    """


class Packet(NamedTuple):
    """A message as it comes over the wire: the `handle` of this delivery, the message's `id` and
    `body`, and the number of this delivery among those of the message, from 1: its `attempt`.
    """

    handle: str
    id: str
    body: dict[str, Any]
    attempt: int


class Ended(NamedTuple):
    """The end of a delivery by a request: the delivery, "delete" or "release", the time (s), and
    the worker whose request it was.
    """

    delivery: Message
    kind: str
    time: float
    worker: str


class Engine:
    """The server side: a queue, the handles of its deliveries, and the times when it is down.

    `given` has each delivery by its handle, `ended` those that a request has ended, and `lost` is
    the number of calls that lost their connection. If `calm`, no connection is ever lost.
    """

    def __init__(self, sim: Simulation, queue: InMemoryMessageQueue, *, calm: bool) -> None:
        self.sim, self.queue, self.calm = sim, queue, calm
        self.given: dict[str, Message] = {}  # deliveries by handle
        self.ended: dict[str, Ended] = {}
        self._calls = self.lost = 0
        starts = [] if calm else [15.0 * (n + sim.draw("down", n)) for n in range(3)]
        self.outages = [
            (start, start + 1.0 + 3.0 * sim.draw("back", n)) for n, start in enumerate(starts)
        ]

    def connect(self) -> Wire:
        """Return a new connection; while the engine is down, wait until it is back."""
        self.sim.sleep(CALL_S)
        for start, end in self.outages:
            if start <= self.sim.now < end:
                self.sim.sleep(end - self.sim.now)
        return Wire(self)

    def failed_since(self, time: float) -> bool:
        """Return True if the engine went down after this time (s), up to now."""
        return any(time < start <= self.sim.now for start, _ in self.outages)

    def ended_by(self, worker: str, begun: float, end: float) -> list[Ended]:
        """Return the deliveries that this worker's requests ended from `begun` to `end` (s)."""
        return [
            each
            for each in self.ended.values()
            if each.worker == worker and begun <= each.time <= end
        ]

    def next_call(self) -> int:
        """Return the number of a new call."""
        self._calls += 1
        return self._calls

    def happens(self, purpose: str, call: int) -> bool:
        """Return True if this fault strikes the call with this number."""
        return not self.calm and self.sim.draw(purpose, call) < LOST

    def hand_out(self) -> Packet | None:
        """Return the next message, leased; None if there is none within a second."""
        delivery = self.queue.receive(WAIT_S)
        if delivery is None:
            return None
        handle = f"h-{delivery.receipt}"
        self.given[handle] = delivery
        return Packet(handle, delivery.id, dict(delivery.body), delivery.attempt)

    def end(self, handle: str, kind: str) -> None:
        """End a delivery: delete its message, or release it. Raises StaleHandle if it is over, and
        ValueError for a handle that was never given out.
        """
        if not isinstance(handle, str) or handle not in self.given:
            raise ValueError(f"handle must be one of a packet, got {short_repr(handle)}")
        if handle in self.ended and self.ended[handle].kind == kind:
            return
        delivery = self.given[handle]
        done = (self.queue.ack if kind == "delete" else self.queue.release)(delivery)
        if not done:
            raise StaleHandle(f"{handle} is stale")
        self.ended[handle] = Ended(delivery, kind, *self.sim.stamp())


class Wire:
    """One connection. Any call may lose it, and then every further call raises ConnectionLost."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._since, self._lost = engine, engine.sim.now, False

    def fetch(self) -> Packet | None:
        """Return the next message, hidden from all others for the visibility time; None if none
        comes within a second.
        """
        call = self._request()
        packet = self._engine.hand_out()
        self._reply(call)
        return packet

    def delete(self, handle: str) -> None:
        """Delete the message of this delivery: its work is done. Deleting twice is no error."""
        call = self._request()
        self._engine.end(handle, "delete")
        self._reply(call)

    def release(self, handle: str) -> None:
        """Make the message of this delivery visible again, at once. Twice is no error."""
        call = self._request()
        self._engine.end(handle, "release")
        self._reply(call)

    def _request(self) -> int:
        """Send a request, and return its number. The connection may be lost before."""
        self._engine.sim.sleep(CALL_S)
        call = self._engine.next_call()
        self._check("request lost", call)
        return call

    def _reply(self, call: int) -> None:
        """Wait for the reply to a request. The connection may be lost before."""
        self._check("reply lost", call)

    def _check(self, fault: str, call: int) -> None:
        down = self._engine.failed_since(self._since)
        self._lost = self._lost or down or self._engine.happens(fault, call)
        if self._lost:
            self._engine.lost += 1
            raise ConnectionLost("the connection is lost")
