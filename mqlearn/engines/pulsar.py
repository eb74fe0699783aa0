"""A queue on Apache Pulsar: a topic with one shared subscription.

    mqlearn-NAME        the topic; its properties are what all users of the queue must agree on
    mqlearn-NAME-dead   the topic of the dead letters, each with its reason

Pulsar has no lease of a few seconds: a delivery stays with its consumer until that gives it back or
loses its connection. So the adapter gives it back when its lease is over. A process that hangs as a
whole keeps what it has, and one that dies gives it back at once. Pulsar counts each return; its
counts are kept in memory, and begin again when no consumer is left or the server is restarted.

An ack reaches the server within 0.1 s, and nothing confirms it: a crash in between delivers the
message again. The server accepts an ack of an old delivery too; only the adapter's own clock
refuses it.

Source: pulsar.apache.org/docs/4.0.x, messaging and the admin REST API.
"""

from __future__ import annotations

import json
from typing import Any

from mqlearn.engines.adapter import Fetched, Held
from mqlearn.engines.errors import EngineError
from mqlearn.engines.pulsar_admin import PulsarAdmin, Unreachable
from mqlearn.engines.pulsar_link import LETTERS, SUBSCRIPTION, PulsarLink, copied
from mqlearn.engines.queue import EngineQueue
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message
from mqlearn.runtime import check

POLL = 0.2  # seconds within which the server answers a request, if it has a message
SETTLED = 3.0  # seconds within which the server must have heard of an ack or a return
PAUSE = 0.05  # seconds between two looks whether it has


class PulsarQueue(EngineQueue):
    """A queue on Pulsar, `pulsar://host:port?admin=http://host:port`, with a `visibility_timeout`
    in seconds that the adapter keeps.

    Order is that of sending; what comes back, comes in between. A receive that need not wait still
    waits up to 0.2 s, since the server is asked for each message.
    """

    engine = "pulsar"
    client = "pulsar-client"
    lost = (ConnectionError,)
    largest = 5 * 2**20 - 16_384  # the rest is for what Pulsar adds, and the reason of a letter

    slowness = 3.0  # on a busy machine its restart takes more than a minute

    _link: PulsarLink | None = None

    def _connect(self) -> None:
        self._admin = PulsarAdmin(self.url)
        self._out: set[str] = set()  # deliveries of this process, by the id of the message
        self._kept: set[str] = set()  # those of them that a purge has taken from the server
        self._later: dict[str, float] = {}
        self._link = PulsarLink(self._admin, self.stored_as, self._producer, self._runtime)
        self._agree("visibility_timeout", self.visibility_timeout)
        self._agree("max_retries", self.max_retries)

    def _agree(self, setting: str, value: float) -> None:
        """Store a setting of the queue, or refuse one that differs from what is stored."""
        known = self._admin("GET", self.stored_as, "/properties") or {}
        if setting not in known:
            self._admin("PUT", self.stored_as, "/properties", {setting: repr(value)})
            known = self._admin("GET", self.stored_as, "/properties")
        if known[setting] != repr(value):
            raise EngineError(
                f"{setting} must be {known[setting]}, as the queue {self.name} on pulsar has it, "
                f"got {check.short_repr(value)}"
            )

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _reconnect(self) -> None:
        self._linked.check()  # the client connects again by itself

    @property
    def _linked(self) -> PulsarLink:
        link = self._link
        if link is None:
            raise Unreachable("there is no connection")
        return link

    def delete(self) -> None:
        """Delete the queue and its dead letters from the server, and close."""
        self.close()
        for topic in (self.stored_as, f"{self.stored_as}-dead"):
            self._admin("DELETE", topic, "?force=true")

    def _publish(self, payload: bytes, message: Message, delay: float) -> str | None:
        key = self._linked.send(payload, {}, delay)
        self._delayed_until(key, delay)
        return key

    def _publish_many(self, packed: list[tuple[bytes, Message]]) -> list[str | None]:
        return list(self._linked.send_all([payload for payload, _ in packed]))

    def _delayed_until(self, key: str, delay: float) -> None:
        if delay:
            with self._lock:
                self._later[key] = self._runtime.now + delay

    # Deliveries.

    def _fetch(self, timeout: float) -> Fetched | None:
        found = self._linked.receive(max(timeout, POLL))
        return None if found is None else self._fetched(found)

    def _fetch_many(self, n: int) -> list[Fetched]:
        # no more requests than there are messages: a request cannot be taken back
        backlog, held = self._admin.backlog(self.stored_as, SUBSCRIPTION)
        n = min(n, backlog - sum(held.values()))
        found: list[Fetched] = []
        while len(found) < n:
            message = self._linked.receive(POLL, min(n - len(found), 100))
            if message is None:
                break
            found.append(self._fetched(message))
        return found

    def _fetched(self, message: Any) -> Fetched:
        known = copied(message)
        failures, key = int(known["failures"]), known["key"]
        with self._lock:
            self._out.add(key)
            self._later.pop(key, None)
        return Fetched(message.data(), key, failures + 1, message, failures)

    def _settled(self, message: Any) -> None:
        with self._lock:
            key = copied(message)["key"]
            self._out.discard(key)
            self._kept.discard(key)

    def _ack(self, handle: Any) -> bool:
        self._linked.ack(handle)
        self._settled(handle)
        return True

    def _retry(self, handle: Any) -> bool:
        known = copied(handle)
        if known["key"] in self._kept:
            known["failures"] = str(int(known["failures"]) + 1)
            self._linked.send(handle.data(), known, 0.0)
            return self._ack(handle)
        self._linked.give_back(handle)
        self._settled(handle)
        return True

    def _release(self, handle: Any, delay: float) -> bool:
        if not delay:
            return self._retry(handle)
        # what is given back is delivered at once; only a message that is sent can be delayed
        known = copied(handle)
        self._linked.send(handle.data(), known, delay)
        self._delayed_until(known["key"], delay)
        return self._ack(handle)

    def _renew(self, handle: Any, seconds: float) -> bool:
        return True  # the lease is the adapter's own

    def _bury(self, held: Held, reason: str) -> bool:
        handle = held.fetched.handle
        # as JSON, since a reason may have characters that cannot be written
        self._linked.bury(held.fetched.payload, {"reason": json.dumps(reason)})
        return self._ack(handle)

    def _exhaust(self, held: Held) -> bool:
        return self._bury(held, RETRIES_EXHAUSTED)

    def _lease_ended(self, held: Held) -> bool:
        if held.last:
            return self._bury(held, RETRIES_EXHAUSTED)
        self._retry(held.fetched.handle)
        return False

    # Counts.

    def _count(self) -> dict[str, int]:
        backlog, held = self._settled_backlog()
        dead, _ = self._admin.backlog(f"{self.stored_as}-dead", LETTERS)
        now = self._runtime.now
        with self._lock:
            self._later = {key: due for key, due in self._later.items() if due > now}
            # Of its own this process knows which it holds. Of those of others it only knows how
            # many, and of those that others delayed it knows nothing: they wait.
            own, kept, delayed = len(self._out), len(self._kept), len(self._later)
        others = sum(n for name, n in held.items() if name != self._producer)
        free = max(0, backlog - (own - kept) - others)
        delayed = min(delayed, free)
        flying = own + others
        return {"waiting": free - delayed, "delayed": delayed, "in flight": flying, "dead": dead}

    def _settled_backlog(self) -> tuple[int, dict[str, int]]:
        """Return the backlog once the server agrees with us on what this process holds: the client
        tells it a little later what was settled.
        """
        deadline = self._runtime.now + SETTLED
        while True:
            backlog, held = self._admin.backlog(self.stored_as, SUBSCRIPTION)
            mine = len(self._out) + self._linked.ready()
            if held.get(self._producer, 0) == mine or self._runtime.now > deadline:
                return backlog, held
            self._runtime.sleep(PAUSE)

    def _read_dead(self) -> list[tuple[bytes, dict[str, str]]]:
        return [
            (each.data(), {"dead_letter_reason": json.loads(each.properties()["reason"])})
            for each in self._linked.read_dead()
        ]

    def _empty(self) -> int:
        counted = self._count()
        others = counted["in flight"] - len(self._out)
        if others:
            raise EngineError(
                f"purge cannot leave {others} messages that others have in flight: pulsar can only "
                "skip all"
            )
        self._admin("POST", self.stored_as, f"/subscription/{SUBSCRIPTION}/skip_all")
        with self._lock:
            self._later.clear()
            self._kept |= self._out  # if they fail, they are sent again
        return counted["waiting"] + counted["delayed"]
