"""The verbs that an adapter defines for its engine, and its connection, with patience for a server
that restarts.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from mqlearn.engines.entries import EngineEntry
from mqlearn.engines.errors import EngineError
from mqlearn.engines.features import refuse, supports
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Timer
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.handed_in import reason_of
from mqlearn.runtime.threads import ThreadRuntime, default_runtime

PREFIX = "mqlearn-"  # of everything that the course stores in an engine
PATIENCE = 60.0  # seconds that a call waits for a server that is gone
PAUSE = 0.1  # seconds between two tries to reach it
OPENING = 2.0  # seconds within which the first connection may be tried again

T = TypeVar("T")


@dataclass(slots=True)
class Fetched:
    """A message as an engine delivered it.

    `key` names this copy in the engine (an offset, an entry id). `deliveries` is how often the
    engine has delivered it, this time included, and `failures` how many of these count as failures;
    None: all before this one. `handle` is what the client needs to settle it.
    """

    payload: bytes
    key: str
    deliveries: int
    handle: Any
    failures: int | None = None


@dataclass(slots=True)
class Held:
    """A delivery in flight: what the engine gave, its message and its entry. `last` is true if no
    retry is left; `timer` fires at the end of the lease.
    """

    fetched: Fetched
    message: Message
    entry: EngineEntry | None
    last: bool
    timer: Timer | None = field(default=None)


def check_name(name: str) -> None:
    """Refuse a name that some engine could not store."""
    check.instance("name", name, str)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}(\.fifo)?", name):
        raise ValueError(
            f"name must be 1 to 60 letters, digits, - and _, got {check.short_repr(name)}"
        )


class EngineAdapter(Closing, MessageQueue):
    """The verbs of one engine, and the connection to it. A verb may raise one of `lost`; it is then
    called again after `_disconnect` and `_connect`.
    """

    engine: ClassVar[str]
    client: ClassVar[str] = ""  # the package of the client, as pip knows it
    lost: tuple[type[BaseException], ...] = (ConnectionError,)  # the server is gone, for now
    largest: int | None = None  # bytes of one message, envelope included
    look: float = 0.2  # seconds of one wait for a message; a worker that is to stop waits so long
    slowness: float = 1.0  # times 60 s is how long a call waits for a server that is gone
    due_alone: bool = True  # what was delayed waits from its due time on, without being asked for
    observable = True

    def __init__(self, url: str, name: str, runtime: ThreadRuntime | None) -> None:
        check.instance("url", url, str)
        check_name(name)
        # a simulation has no part in what a server does
        check.instance("runtime", runtime, ThreadRuntime, optional=True)
        self.url, self.name = url, name
        self.stored_as = PREFIX + name  # what the engine calls it
        self._runtime: Runtime = default_runtime() if runtime is None else runtime
        self._closed = False

    @property
    def kind(self) -> str:
        """The row of this queue in the table of features."""
        return self.engine

    @property
    def features(self) -> dict[str, str]:
        """Each feature of an engine, and whether it is "native", "emulated" or "unsupported"."""
        return supports(self.kind)

    @property
    def renewable(self) -> bool:  # type: ignore[override]
        """True if a lease may be renewed with `extend`."""
        return self.features["extend"] != "unsupported"

    def _need(self, feature: str) -> None:
        """Raise Unsupported if this engine does not have the feature."""
        if self.features[feature] == "unsupported":
            raise refuse(self.kind, feature)

    @property
    def shown_url(self) -> str:
        """The URL without its password, for errors."""
        return re.sub(r"(//[^:/@]*):[^/@]*@", r"\1:***@", self.url)

    # The connection.

    def _open(self) -> None:
        """Connect for the first time. A server that is not there is not waited for, but one that
        has just started may break off the first connection.
        """
        deadline = self._runtime.now + OPENING
        try:
            while True:
                try:
                    return self._connect()
                except self.lost:
                    if self._runtime.now >= deadline:
                        raise
                self._disconnect()
                self._runtime.sleep(PAUSE)
        except self.lost as error:
            self._disconnect()
            raise EngineError(
                f"{self.engine} does not answer: url must be that of a server that runs, got "
                f"{check.short_repr(self.shown_url)}: {reason_of(error)}"
            ) from error
        except BaseException:
            self._disconnect()
            raise

    def _insist(
        self, call: Callable[..., T], *told: Any, cancelled: Callable[[], bool] | None = None
    ) -> T | Any:
        """Return `call(*told)`, made again while the server is gone, for up to 60 seconds; None if
        `cancelled()` is true meanwhile.
        """
        patience = PATIENCE * self.slowness
        broken, deadline = False, self._runtime.now + patience
        while True:
            self._check_open()
            try:
                if broken:
                    self._reconnect()
                    broken = False
                return call(*told)
            except self.lost as error:
                broken = True
                if cancelled is not None and cancelled():
                    return None
                if self._runtime.now >= deadline:
                    raise EngineError(
                        f"{self.engine} at {self.shown_url} has not answered for {patience:g} s: "
                        f"{reason_of(error)}"
                    ) from error
            except Exception:
                # a client whose connection another thread has just closed fails in any way
                self._check_open()
                raise
            self._runtime.sleep(PAUSE)

    def _reconnect(self) -> None:
        """Connect again after the server was gone."""
        self._disconnect()
        self._connect()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError(f"the queue {self.name} on {self.engine} is closed")

    def close(self) -> None:
        """Close every connection; what is in flight comes back by the rules of the engine."""
        if not self._closed:
            self._closed = True
            self._disconnect()

    # What an adapter defines. Each may raise one of `lost`, and is called again after `_reconnect`.

    @abstractmethod
    def _connect(self) -> None:
        """Connect, and make the queue if there is none; raise EngineError for other settings."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Let go of every connection, broken or not."""

    @abstractmethod
    def _publish(self, payload: bytes, message: Message, delay: float) -> str | None:
        """Store a message and return its key once the engine has confirmed it ("" if it gives
        none); None if the engine refuses it.
        """

    @abstractmethod
    def _fetch(self, timeout: float) -> Fetched | None:
        """Return the next message, waiting for it at most `timeout` seconds."""

    # Each of the next three has a default that makes one round trip for each message.

    def _publish_many(self, packed: list[tuple[bytes, Message]]) -> list[str | None]:
        """Store messages, and return the key of each as `_publish` does."""
        return [self._publish(payload, message, 0.0) for payload, message in packed]

    def _fetch_many(self, n: int) -> list[Fetched]:
        """Return messages that are ready, at most `n`, without waiting."""
        found: list[Fetched] = []
        while len(found) < n and (fetched := self._fetch(0.0)) is not None:
            found.append(fetched)
        return found

    def _ack_many(self, handles: list[Any]) -> Sequence[bool | None]:
        """Settle deliveries whose work is done, as `_ack` does."""
        return [self._ack(handle) for handle in handles]

    @abstractmethod
    def _ack(self, handle: Any) -> bool | None:
        """Settle a delivery whose work is done; False if the engine has given it to another, None
        if its answer was lost and it cannot be asked.
        """

    @abstractmethod
    def _retry(self, handle: Any) -> bool:
        """Give a delivery back, as a failure."""

    @abstractmethod
    def _release(self, handle: Any, delay: float) -> bool:
        """Give a delivery back, if the engine can without counting, after `delay` seconds."""

    @abstractmethod
    def _bury(self, held: Held, reason: str) -> bool:
        """Move a delivery to the dead letters."""

    def _exhaust(self, held: Held) -> bool:
        """Give back a delivery that may not be delivered again, where a return counts: by default
        the engine then moves it to the dead letters.
        """
        return self._retry(held.fetched.handle)

    def _check_delay(self, delay: float) -> None:
        """Raise ValueError for a delay (s) of a send that the engine cannot have."""

    def census(self) -> dict[str, int]:
        """Return how many messages are in each place, as the engine counts them."""
        counted: dict[str, int] = self._insist(self._count)
        return counted

    @abstractmethod
    def _count(self) -> dict[str, int]:
        """Ask the engine how many messages are waiting, delayed, in flight and dead."""

    @abstractmethod
    def _read_dead(self) -> list[tuple[bytes, dict[str, str]]]:
        """Return the dead letters, and for each the headers to be added (its reason)."""

    @abstractmethod
    def _empty(self) -> int:
        """Throw away what waits or is delayed; return how many messages that was."""

    def _renew(self, handle: Any, seconds: float) -> bool:
        """Let a lease end `seconds` from now; False if the engine has given it to another."""
        raise NotImplementedError  # where "extend" is unsupported it is never called

    def _gone_is_dead(self, held: Held) -> bool:
        """Return whether a message whose delivery this process has lost is dead now, by a rule of
        the engine. By default it waits for another worker.
        """
        return False

    def _lease_ended(self, held: Held) -> bool:
        """Do what is to be done at the end of a lease, and return whether the message is dead now.
        By default the engine does everything by its own clock.
        """
        return held.last
