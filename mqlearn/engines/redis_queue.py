"""A queue on Redis or Valkey: a stream with one consumer group.

    mqlearn-NAME           a stream: what waits and what is in flight; an acked entry is deleted
    mqlearn-NAME:delayed   a sorted set: what is delayed, by the time when it is due
    mqlearn-NAME:dead      a stream: the dead letters, with their reason
    mqlearn-NAME:settings  a hash: what all users of the queue must agree on

The lease of a delivery is the idle time of its pending entry. The server does not watch it: a
consumer must ask for entries that were idle for too long, which each `receive` does first. Each
step is one script, so that no other command comes between its parts. The keys of a queue must be
on one server: a cluster would spread them. A server that is full must refuse (`maxmemory-policy
noeviction`, the default), not evict.

Source: valkey.io/topics/streams-intro; the commands are the same in Redis since 6.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mqlearn.engines.adapter import Fetched, Held
from mqlearn.engines.errors import EngineError
from mqlearn.engines.queue import EngineQueue
from mqlearn.engines.redis_scripts import COUNT, DELAY, EMPTY, SETTLE, TAKE
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message
from mqlearn.runtime import check

GROUP = "workers"
LONG_AGO = 10**12  # milliseconds of idleness that outlast every lease


@dataclass(slots=True)
class Pending:
    """A pending entry, as one of its deliveries: its `id`, and how often it was delivered. `asked`
    counts the tries to settle it.
    """

    id: bytes
    delivered: int
    failures: int
    asked: int = 0


class RedisQueue(EngineQueue):
    """A queue on a Redis or Valkey server, `redis://host:port/0`, with a `visibility_timeout` in
    seconds.

    Order is that of sending; what comes back goes first. No priorities. How much survives a crash
    is the server's setting: `appendonly` and `appendfsync`.
    """

    engine = "redis"
    client = "redis"
    lost = (redis.ConnectionError, redis.TimeoutError)
    largest = 512 * 2**20  # of one string
    due_alone = False  # a script moves it into the stream when a consumer asks

    _server: redis.Redis

    def _connect(self) -> None:
        try:
            self._server = redis.Redis.from_url(
                self.url, socket_timeout=10, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
            )
        except ValueError as error:
            shown = check.short_repr(self.url)
            raise ValueError(f"url must be redis://host:port/0, got {shown}: {error}") from error
        self._server.ping()
        stored = self.stored_as
        self._keys = [stored, f"{stored}:delayed", f"{stored}:dead"]
        self._lease_ms = max(1, round(self.visibility_timeout * 1000))
        self._declare()
        script = self._server.register_script
        self._take, self._settled, self._delayed = script(TAKE), script(SETTLE), script(DELAY)
        self._counted, self._emptied = script(COUNT), script(EMPTY)

    def _declare(self) -> None:
        """Make the stream and its group, unless they are there."""
        try:
            self._server.xgroup_create(self.stored_as, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise EngineError(f"redis refuses the stream {self.stored_as}: {error}") from error
        self._agree("visibility_timeout", self.visibility_timeout)
        self._agree("max_retries", self.max_retries)

    def _insist(
        self, call: Callable[..., Any], *told: Any, cancelled: Callable[[], bool] | None = None
    ) -> Any:
        try:
            return super()._insist(call, *told, cancelled=cancelled)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise EngineError(
                    f"redis refuses that of the queue {self.name}: {error}"
                ) from error
            # a server that keeps nothing has come back empty: the queue begins again
            self._declare()
            return super()._insist(call, *told, cancelled=cancelled)

    def _agree(self, setting: str, value: float) -> None:
        """Store a setting of the queue, or refuse one that differs from what is stored."""
        settings = f"{self.stored_as}:settings"
        self._server.hsetnx(settings, setting, repr(value))
        known = self._server.hget(settings, setting)
        if known != repr(value).encode():
            raise EngineError(
                f"{setting} must be {known.decode()}, as the queue {self.name} on redis has it, "
                f"got {check.short_repr(value)}"
            )

    def _disconnect(self) -> None:
        if hasattr(self, "_server"):
            self._server.close()

    def _reconnect(self) -> None:
        # other threads may be using the client, which opens a new connection for each call
        self._server.ping()

    def _publish(self, payload: bytes, message: Message, delay: float) -> str | None:
        try:
            if not delay:
                entry: bytes = self._server.xadd(self.stored_as, {"payload": payload})
                return entry.decode()
            key = f"d{self._producer}-{next(self._sends)}"
            self._delayed(keys=self._keys[1:2], args=[round(delay * 1000), payload, key])
            return key
        except redis.OutOfMemoryError:
            return None

    def _publish_many(self, packed: list[tuple[bytes, Message]]) -> list[str | None]:
        pipeline = self._server.pipeline(transaction=False)
        for payload, _ in packed:
            pipeline.xadd(self.stored_as, {"payload": payload})
        return [_key_of(answer) for answer in pipeline.execute(raise_on_error=False)]

    def _fetch(self, timeout: float) -> Fetched | None:
        found = self._fetch_many(1)
        if found or timeout <= 0:
            return found[0] if found else None
        # new entries wake it at once; it looks again for idle and due ones after `timeout`
        read = self._server.xreadgroup(
            GROUP, self._producer, {self.stored_as: ">"}, count=1, block=max(1, int(timeout * 1000))
        )
        for _, entries in read.items() if isinstance(read, dict) else read or ():
            entry, fields = entries[0] if isinstance(read, list) else entries[0][0]
            return self._fetched(entry, fields, 1)
        return None

    def _fetch_many(self, n: int) -> list[Fetched]:
        taken = self._take(keys=self._keys[:2], args=[GROUP, self._producer, self._lease_ms, n])
        return [
            self._fetched(entry, dict(zip(flat[::2], flat[1::2], strict=True)), delivered)
            for entry, flat, delivered in taken
        ]

    def _fetched(self, entry: bytes, fields: dict[bytes, bytes], delivered: int) -> Fetched:
        # an entry that was delayed has a new id, and keeps its key and the count of its failures
        before = fields.get(b"failures", b"0")
        failures = (int(before) if before.isdigit() else 0) + delivered - 1
        key = fields.get(b"key", entry).decode(errors="replace")
        return Fetched(
            fields.get(b"payload", b""), key, failures + 1, Pending(entry, delivered, failures)
        )

    def _settle_entry(self, handle: Pending, act: str, *needed: object) -> bool:
        handle.asked += 1
        try:
            done = self._settled(
                keys=self._keys,
                args=[GROUP, handle.id, self._producer, handle.delivered, act, *needed],
            )
        except redis.ResponseError:
            handle.asked = 0  # it was refused, so nothing of it was done
            raise
        # the answer to the try before may have been lost with the connection
        return bool(done == 1 or (done == -1 and handle.asked > 1))

    def _ack(self, handle: Pending) -> bool:
        return self._settle_entry(handle, "ack")

    def _ack_many(self, handles: list[Pending]) -> list[bool]:
        pipeline = self._server.pipeline(transaction=False)
        for handle in handles:
            handle.asked += 1
            self._settled(
                keys=self._keys,
                args=[GROUP, handle.id, self._producer, handle.delivered, "ack"],
                client=pipeline,
            )
        try:
            answers = pipeline.execute()
        except redis.ResponseError:
            for handle in handles:
                handle.asked = 0
            raise
        return [
            done == 1 or (done == -1 and handle.asked > 1)
            for handle, done in zip(handles, answers, strict=True)
        ]

    def _retry(self, handle: Pending) -> bool:
        return self._settle_entry(handle, "back", LONG_AGO, handle.delivered)

    def _release(self, handle: Pending, delay: float) -> bool:
        if delay:
            return self._settle_entry(handle, "delay", round(delay * 1000), handle.failures)
        return self._settle_entry(handle, "back", LONG_AGO, handle.delivered - 1)

    def _renew(self, handle: Pending, seconds: float) -> bool:
        check.number("seconds", seconds, high=self.visibility_timeout)
        idle = self._lease_ms - round(seconds * 1000)
        return self._settle_entry(handle, "renew", idle, handle.delivered)

    def _bury(self, held: Held, reason: str) -> bool:
        return self._settle_entry(held.fetched.handle, "dead", reason)

    def _lease_ended(self, held: Held) -> bool:
        # the server acts only when it is asked, and this process knows that the time has come
        return held.last and self._bury(held, RETRIES_EXHAUSTED)

    def _count(self) -> dict[str, int]:
        counted = self._counted(keys=self._keys, args=[GROUP, self._lease_ms])
        return dict(zip(("waiting", "delayed", "in flight", "dead"), counted, strict=True))

    def _read_dead(self) -> list[tuple[bytes, dict[str, str]]]:
        return [
            (fields[b"payload"], {"dead_letter_reason": fields[b"reason"].decode()})
            for _, fields in self._server.xrange(self._keys[2])
        ]

    def _empty(self) -> int:
        return int(self._emptied(keys=self._keys[:2], args=[GROUP, self._producer, self._lease_ms]))

    def delete(self) -> None:
        """Delete the queue and its dead letters from the server, and close."""
        self._server.delete(*self._keys, f"{self.stored_as}:settings")
        self.close()


def _key_of(answer: bytes | Exception) -> str | None:
    """Return the key of an entry that was added; None if the server was full."""
    if isinstance(answer, redis.OutOfMemoryError):
        return None
    if isinstance(answer, Exception):
        raise answer
    return answer.decode()
