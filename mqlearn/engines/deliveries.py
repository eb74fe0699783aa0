"""The deliveries of a queue on an engine that are in flight: their receipts, their leases, and how
they end.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from typing import Any

from mqlearn.engines.adapter import PAUSE, EngineAdapter, Held
from mqlearn.engines.entries import EngineEntries, EngineEntry
from mqlearn.engines.gate import Gate
from mqlearn.messaging.clock import Clock
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message, MessageStatus
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Timer
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace


class EngineDeliveries(EngineAdapter):
    """The deliveries that this process holds, each for `visibility_timeout` seconds at most. No
    call to the engine is made under their lock.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        visibility_timeout: float = 30.0,
        max_retries: int = 3,
        trace: Trace | None = None,
        runtime: ThreadRuntime | None = None,
    ) -> None:
        super().__init__(url, name, runtime)
        self.visibility_timeout: float = check.number(
            "visibility_timeout", visibility_timeout, above=0
        )
        self.max_retries = check.whole("max_retries", max_retries)
        check.instance("trace", trace, Trace, optional=True)
        self.trace = trace
        self._clock, self._receipts = Clock(self._runtime), count(1)
        self._held: dict[int, Held] = {}
        self._dues: set[Timer] = set()
        self._entries = EngineEntries(name, self._runtime)
        self._lock, self._gate = self._entries.lock, Gate(self._runtime)
        self._producer, self._sends = os.urandom(8).hex(), count(1)
        self._open()
        if trace is not None:
            try:
                trace.watch(self, self._runtime.at_close)
            except BaseException:
                self.close()
                raise

    def run_on(self, runtime: Runtime) -> None:
        """Take the time of all that follows from another `ThreadRuntime`. Raises ValueError once
        something has been recorded.
        """
        check.instance("runtime", runtime, ThreadRuntime)
        with self._lock:
            if self._held or (self.trace is not None and self.trace.records):
                raise ValueError(
                    f"queue must be new, with nothing recorded, got {check.short_repr(self.name)}"
                )
            self._runtime = self._entries.runtime = runtime
            self._clock = Clock(runtime)

    def _find(self, delivery: Message | str, call: str) -> Held | None:
        """Return the delivery in flight with this receipt; for an id, the oldest one of it. Called
        under the lock.
        """
        if isinstance(delivery, Message):
            delivery.validate()
            held = self._held.get(delivery.receipt)
            if held is not None and held.message.id == delivery.id:
                return held
            self._entries.stale(delivery, call)
            return None
        check.instance("delivery", delivery, (Message, str))
        return next((h for h in self._held.values() if h.message.id == delivery), None)

    def _take_out(self, delivery: Message | str, call: str, status: MessageStatus) -> Held | None:
        self._check_open()
        with self._lock:
            held = self._find(delivery, call)
            if held is None:
                return None
            self._let_go(held)
        if isinstance(delivery, Message):
            delivery.status = status
        return held

    def _let_go(self, held: Held) -> None:
        self._held.pop(held.message.receipt, None)
        if held.timer is not None:
            held.timer.cancel()

    def _end(
        self, held: Held, call: str, event: str, detail: Any, verb: Callable[[Any], bool | None]
    ) -> bool:
        """Tell the engine how a delivery ends, and record that as `event`; False, recorded as
        stale, if the engine has given it to another meanwhile.
        """
        settled = self._insist(verb, held.fetched.handle)
        self._ended(held, call, event, detail, settled)
        return bool(settled)

    def _ended(self, held: Held, call: str, event: str, detail: Any, settled: bool | None) -> None:
        with self._lock:
            receipt = held.message.receipt
            if settled:
                self._entries.move(held.entry, event, receipt=receipt, detail=detail)
                if event == "postponed":
                    self._note_due(held.entry, detail)
            elif settled is None:
                self._entries.stale(held.message, call)
                self._doubt(held)
            else:
                self._entries.stale(held.message, call)
                self._lost(held, self._gone_is_dead(held))

    def _doubt(self, held: Held) -> None:
        """Note that the answer to an ack was lost, where the engine cannot be asked: its entry
        stays in flight until it is delivered again, or is seen to be gone. Called under the lock.
        """

    def _move(self, held: Held, event: str, detail: Any = None) -> None:
        with self._lock:
            self._entries.move(held.entry, event, receipt=held.message.receipt, detail=detail)

    def _note_due(self, entry: EngineEntry | None, delay: float) -> None:
        """Record in `delay` seconds that an entry is due, where the engine then counts it as one
        that waits. Called under the lock.
        """
        if entry is None or not self.due_alone:
            return

        def now_due() -> None:
            with self._lock:
                self._dues.discard(timer)
                self._entries.move(entry, "due")

        # it cannot fire before it is in the set: it needs the lock
        timer = self._runtime.call_at(self._runtime.now + delay, now_due)
        self._dues.add(timer)

    def _start_lease(self, held: Held, seconds: float) -> None:
        """Let a lease end `seconds` from now. Called under the lock."""
        if held.timer is not None:
            held.timer.cancel()
        held.timer = self._runtime.call_at(
            self._runtime.now + seconds, lambda: self._end_lease(held)
        )

    def _end_lease(self, held: Held) -> None:
        with self._lock:
            if self._held.get(held.message.receipt) is not held:
                return  # settled in time
            self._let_go(held)
        self._after_lease(held)

    def _after_lease(self, held: Held) -> None:
        try:
            # once, without patience: all timers of this runtime share one thread
            dead = self._lease_ended(held)
        except self.lost:
            if not self._closed:
                self._runtime.call_at(self._runtime.now + PAUSE, lambda: self._after_lease(held))
            return
        if dead or not held.last:
            self._lost(held, dead)

    def _lost(self, held: Held, dead: bool) -> None:
        """Record that a lease was lost, and where the message is now."""
        if dead:
            self._move(held, "dead", RETRIES_EXHAUSTED)
        else:
            self._move(held, "lease_lost")
