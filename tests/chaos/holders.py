"""Who holds what: every delivery from the moment it is taken until it is settled, and every
worker's state.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mqlearn import Message
from mqlearn.runtime.events import MOVES
from mqlearn.runtime.trace import Record
from tests.chaos.day import Day

# How a try ended, and what may then become of its delivery.
SETTLED = {
    "": ("released", "postponed"),
    "completed": ("acked",),
    "failed": ("nacked", "delayed", "dead"),
    "rejected": ("dead",),
    "released": ("released", "postponed"),
    "crashed": (),
}


@dataclass
class Held:
    """One delivery: who took it when (s), until when it is theirs; how its try went, and how it was
    settled.
    """

    worker: str
    since: float
    until: float
    message_id: str
    failures: int
    started: bool = False
    truth: str = ""  # what the handler did
    finished: str = ""  # what the worker said
    why: str = ""
    ended: str = ""  # the record that ended it
    by_holder: bool = False


class Holders:
    """Every delivery and every worker. `broken` gets (rule, record) for each that breaks a rule."""

    def __init__(self, day: Day, broken: list[tuple[str, Record]]) -> None:
        self.day, self.broken = day, broken
        self.lease = (
            math.inf if day.queue["visibility_timeout"] is None else day.queue["visibility_timeout"]
        )
        self.held: dict[int, Held] = {}
        self.hands: defaultdict[str, set[int]] = defaultdict(set)  # worker: what it has to settle
        self.down: dict[str, float] = {}  # worker that crashed: until when (s)
        self.lost: set[int] = set()  # nobody will ever settle these

    def hear(self, record: Record, failures: int) -> None:
        """Hold one record to the rules; `failures` is how many were charged to its entry before."""
        time, event, *_, worker, receipt, _ = record
        if event == "received":
            if receipt in self.held:
                self.broken.append(("this receipt was given before", record))
            self.held[receipt] = Held(worker, time, time + self.lease, record.message_id, failures)
            self.hands[worker].add(receipt)
            return
        held = self.held.get(receipt)
        if event in ("stale", "lost_ack"):
            self._refused(record, held)
        elif event in MOVES and "in flight" in MOVES[event].sources:
            self._ended(record, held)
        elif held is not None and event in ("started", "finished", "extended", "batched"):
            rule = getattr(self, f"_{event}")(held, record)
            if rule:
                self.broken.append((rule, record))

    def _refused(self, record: Record, held: Held | None) -> None:
        worker, receipt, call = record[7:]
        if call != "extend" or not (held and held.started):  # who works goes on working
            self.hands[worker].discard(receipt)
        if record.event == "lost_ack":
            self.lost.add(receipt)
        elif held is not None and not held.ended:
            self.broken.append(("this delivery is current", record))

    def _ended(self, record: Record, held: Held | None) -> None:
        time, event, *_, worker, receipt, detail = record
        rule = ""
        if held is None:
            self.broken.append(("nobody holds it", record))
            return
        if held.ended:
            rule = f"this delivery was {held.ended}"
        elif not worker:  # by the queue's own clock
            if time != held.until:
                rule = f"its lease ends at {held.until:g} s"
            elif self.day.kind == "batch" and not held.started and receipt not in self.lost:
                rule = "a batch that fills renews its leases"
        else:
            held.by_holder = True
            self.hands[worker].discard(receipt)
            if worker != held.worker:
                rule = f"{held.worker} holds it"
            elif event not in SETTLED[held.finished]:
                rule = f"its try ended: {held.finished}"
            elif event == "dead" and detail != (
                "retries exhausted" if held.finished == "failed" else held.why
            ):
                rule = f"it was {held.finished}: {held.why}"
            elif time > held.until:
                rule = f"its lease ended at {held.until:g} s"
        held.ended = event
        if rule:
            self.broken.append((rule, record))

    def _started(self, held: Held, record: Record) -> str:
        again, held.started = held.started, True
        if again or held.by_holder:
            return "it was handled before" if again else "its holder had settled it"
        return "" if record.worker == held.worker else f"{held.worker} holds it"

    def _extended(self, held: Held, record: Record) -> str:
        held.until = record.detail if self.lease < math.inf else math.inf
        return "it is over" if held.ended else ""

    def _batched(self, held: Held, record: Record) -> str:
        late = record.time > held.since + self.day.batch["batch_timeout"] + 1e-9
        return f"its first message waits since {held.since:g} s" if late else ""

    def _finished(self, held: Held, record: Record) -> str:
        time, worker, receipt = record.time, record.worker, record.receipt
        held.finished, _, held.why = str(record.detail).partition(": ")
        if held.finished == "crashed":
            self.lost |= self.hands.pop(worker, set())
            self.down[worker] = time + self.day.restart_after
        if held.truth == held.finished or held.why.startswith("unroutable"):
            return ""
        alone = self.day.kind != "batch" or self.day.batch["on_failure"] == "failures"
        # by another message of its batch
        spoilt = not alone and held.finished in ("failed", "released")
        return (
            ""
            if spoilt or receipt in self.lost
            else f"its handler {held.truth or 'was not called'}"
        )

    def called(self, message: Message, worker: str) -> str:
        """The rule that a call of the handler breaks, or ""."""
        held = self.held.get(message.receipt)
        if held is None or held.message_id != message.id:
            return "it was never delivered"
        if held.by_holder or held.finished:
            return f"it was {held.ended or held.finished} before"
        if worker != held.worker or not held.started:
            return f"{held.worker} holds it, begun: {held.started}"
        return (
            "" if message.retry_count == held.failures else f"{held.failures} failures were charged"
        )

    def idle(self, now: float, names: Iterable[str]) -> list[str]:
        """Of these workers, those that should take what waits: they neither work nor are being
        restarted.
        """
        return [name for name in names if self.down.get(name, -1.0) < now and not self._busy(name)]

    def _busy(self, name: str) -> bool:
        """Whether it has something to do; a batch that has not begun is still being collected."""
        if self.day.kind == "batch":
            return any(self.held[receipt].started for receipt in self.hands[name])
        return bool(self.hands[name])

    def overdue(self, now: float) -> list[int]:
        """Receipts whose lease should have ended."""
        return [
            receipt for receipt, held in self.held.items() if not held.ended and held.until <= now
        ]

    def busy(self) -> bool:
        """Whether any delivery will still be settled, or come back."""
        return any(not held.ended and held.until < math.inf for held in self.held.values()) or bool(
            self.stuck()
        )

    def stuck(self) -> set[int]:
        """Receipts in flight that somebody alive should have settled."""
        return {receipt for receipt, held in self.held.items() if not held.ended} - self.lost
