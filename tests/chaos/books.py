"""Where every entry is: added up from the records, and after each of them compared with the queue's
own count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, RetryPolicy
from mqlearn.runtime.events import MOVES
from mqlearn.runtime.trace import Record
from tests.chaos.day import Day

CHARGES = ("nacked", "delayed", "lease_lost")
ENDS = ("completed", "purged", "dropped", "discarded")


@dataclass
class Life:
    """One entry: where it is, since when its time to live counts (`born`, s), when it is due there
    (s), failures charged, deliveries, last reason.
    """

    message: Message
    place: str = "new"
    born: float = 0.0
    due: float = 0.0
    charged: int = 0
    attempts: int = 0
    reason: str = ""


class Books:
    """What the records of a queue must add up to. `broken` gets (rule, record) for each that breaks
    a rule.
    """

    def __init__(self, day: Day, broken: list[tuple[str, Record]]) -> None:
        self.day, self.broken = day, broken
        self.messages = {order.message.id: order.message for order in day.orders}
        self.lives: dict[int, Life] = {}
        self.places: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()  # by priority
        self.taken: dict[str, float] = {}  # message id: when it was last accepted (s)
        self.made_room = False  # by throwing one away: what came back unasked may still be too much
        self.queue: InMemoryMessageQueue | None = None

    def hear(self, record: Record) -> None:
        """Hold one record of the queue to the rules."""
        event, number = record.event, record.entry
        kind = MOVES.get(event)
        if kind is None:
            return
        life = self.lives.get(number)
        if life is None:
            life = self.lives[number] = Life(self.messages[record.message_id])
        was = life.place
        if was not in kind.sources:
            self.broken.append((f"it was {was} when it was {event}", record))
        life.place = kind.to or record.detail
        self.made_room |= event == "dropped"
        self.places[was] -= 1
        self.places[life.place] += 1
        self.waiting[record.priority] += (life.place == "waiting") - (was == "waiting")
        rule = self._rule(event, life, record)
        if rule:
            self.broken.append((rule, record))
        if event != "purged":  # thrown away all at once, told one by one
            self.count(record)

    def count(self, record: Record) -> None:
        """The queue holds in each place what it said."""
        if self.queue is not None and self.queue.census() != (said := self.census()):
            self.broken.append((f"the queue holds {self.queue.census()} and said {said}", record))

    def census(self) -> dict[str, int]:
        return {place: self.places[place] for place in ("waiting", "delayed", "in flight", "dead")}

    def busy(self) -> bool:
        """Whether anything waits, or will."""
        return bool(self.places["waiting"] + self.places["delayed"])

    def _rule(self, event: str, life: Life, record: Record) -> str:
        """The rule that this move breaks, or ""."""
        time, *_, priority, attempt, _, _, detail = record
        message = life.message
        if event in ("sent", "scheduled"):
            return self._accepted(life, record)
        if event == "received":
            life.attempts += 1
            return self._received(life, time, priority, attempt)
        if event == "due":
            return "" if time == life.due else f"it was due at {life.due:g} s"
        if event in CHARGES or (event == "dead" and detail == "retries exhausted"):
            life.charged += 1
            if life.charged > message.max_retries + 1 or (
                life.charged > message.max_retries
            ) is not (event == "dead"):
                return f"failure {life.charged} of a message with {message.max_retries} retries"
        if event in ("delayed", "postponed"):
            life.due = time + detail
        if event == "delayed":
            return self._backoff(life, detail)
        if event in ("dead", "expired"):
            life.reason = "expired" if event == "expired" else detail
        if event == "expired":
            over = life.born + message.ttl
            return "" if detail == over < time else f"its time was over at {over:g} s"
        if event == "redriven":
            life.born, life.charged, life.reason = time, 0, ""
        return ""

    def _accepted(self, life: Life, record: Record) -> str:
        time, _, _, _, message_id, priority, *_, detail = record
        life.born = life.due = time + (detail or 0.0)
        before, self.taken[message_id] = self.taken.get(message_id), time
        if priority != life.message.priority.name:
            return f"it was sent as {life.message.priority.name}"
        if self.day.dedup_window and before is not None and time < before + self.day.dedup_window:
            return f"it was taken at {before:g} s already"
        made_room, self.made_room = self.made_room, False
        if (
            self.places["waiting"] + self.places["delayed"] > self.day.queue["max_size"]
            and not made_room
        ):
            return "there was no room"
        return ""

    def _received(self, life: Life, time: float, priority: str, attempt: int) -> str:
        if time > life.born + life.message.ttl:
            return f"its time was over at {life.born + life.message.ttl:g} s"
        if attempt != life.attempts:
            return f"it was delivery {life.attempts}"
        before = [
            each.name
            for each in MessagePriority
            if self.waiting[each.name] and each.value > MessagePriority[priority].value
        ]
        return f"{before[0]} waited" if before else ""

    def _backoff(self, life: Life, seconds: float) -> str:
        policy: Any = self.day.queue["retry"]
        if policy is None:
            return "there is no policy"
        least, most = (policy.delay(life.charged, draw) for draw in (0.0, 1.0))
        if self.day.mischief and not least <= seconds <= most:
            # where the policy that was handed in had no answer, the default policy stands in
            least, most = (RetryPolicy().delay(life.charged, draw) for draw in (0.0, 1.0))
        return "" if least <= seconds <= most else f"the policy says {least:g} to {most:g} s"

    def at_rest(self, now: float) -> None:
        """When all that was due has happened: nothing is overdue, and the dead say why."""
        assert self.queue is not None
        for number, life in self.lives.items():
            if life.place == "delayed" and life.due <= now:
                self.broken.append(
                    (
                        "it is overdue",
                        Record(now, "", "", number, life.message.id, detail=life.due),
                    )
                )
        dead = sorted(
            (letter.id, letter.headers["dead_letter_reason"])
            for letter in self.queue.get_dead_letter_messages()
        )
        told = sorted(
            (life.message.id, life.reason) for life in self.lives.values() if life.place == "dead"
        )
        assert dead == told, "dead letters and their reasons are those of the records"
        done = {number for number, life in self.lives.items() if life.place in ENDS}
        held = {number for number, *_ in self.queue.entries()}
        assert not done & held, f"entries {done & held} are done, and in the queue"
