"""The analysis of a fan-out: which messages each subscriber heard, when, and in what order."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mqlearn.runtime.trace import Record

# The events that count as an occurrence in a trace without "occurred" records.
OFFERED = ("sent", "scheduled", "rejected")
# The events that end a message for its subscriber, each with the outcome.
GONE = {
    "acked": "heard",
    "dead": "dead",
    "expired": "dead",
    "rejected": "lost",
    "dropped": "lost",
    "purged": "lost",
}
OUTCOMES = ("heard", "late", "dead", "lost", "behind")
Floats = NDArray[np.float64]


class FanOutAnalysis:
    """The messages of each subscriber: when each one occurred, and its outcome.

    A subscriber is a source of the records. A message *occurs* at the time at which its subscribers
    should hear it, also if its publisher sends it later or never. From then on the message counts
    as `behind` for the subscriber, until it is heard (its handler succeeded), dead or lost. A
    message is lost if a queue refused, dropped or purged it, or if its handler failed and no queue
    keeps it for another try. It is heard `late` if a message that occurred after it was heard
    before it.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        records = list(records)
        # A direct call puts nothing into a queue, so some runs record "occurred" for each message.
        kinds = ("occurred",) if any(record.event == "occurred" for record in records) else OFFERED
        self.occurred: dict[str, dict[str, float]] = {}  # by subscriber: id and time (s), in order
        self.gone: dict[str, dict[str, tuple[float, str]]] = {}  # id: when (s) and how
        for time, event, source, _, message_id, *_ in records:
            if event in kinds:
                self.occurred.setdefault(source, {}).setdefault(message_id, time)
                self.gone.setdefault(source, {})
            if event in GONE and source in self.gone:
                self.gone[source][message_id] = time, GONE[event]

    @property
    def names(self) -> list[str]:
        """The subscribers, in the order of their first occurrence."""
        return list(self.occurred)

    def behind(self, name: str) -> tuple[Floats, Floats]:
        """Return the number of messages that a subscriber is behind by, over time: an array of
        times (s), and an array of the number that holds from each time on.
        """
        steps = [(time, 1.0) for time in self.occurred[name].values()]
        steps += [(time, -1.0) for time, _ in self.gone[name].values()]
        table = np.array(sorted(steps, key=lambda step: step[0])).reshape(-1, 2)
        # Of several steps at one instant only the last one counts; the very last step always does,
        # unless the table is empty.
        lasts = np.append(np.diff(table[:, 0]) > 0, np.ones(min(len(table), 1), dtype=bool))
        return table[lasts, 0], np.cumsum(table[:, 1])[lasts]

    def at_end(self, name: str) -> int:
        """Return the number of messages that a subscriber has not heard when the records end."""
        return len(self.occurred[name]) - len(self.gone[name])

    def overtaken(self, name: str) -> tuple[Floats, Floats]:
        """Return two arrays with a number for each message that a subscriber heard, in the order of
        hearing: its place in the order of occurring, from 1, and the number of messages that
        occurred after it and were heard before it.
        """
        numbers = {message_id: number for number, message_id in enumerate(self.occurred[name], 1)}
        before: list[int] = []  # the places of what was heard so far, sorted
        found = []
        for message_id, (_, how) in self.gone[name].items():
            if how == "heard":
                place = bisect(before, numbers[message_id])
                found.append((numbers[message_id], len(before) - place))
                before.insert(place, numbers[message_id])
        table = np.array(found, dtype=float).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def outcomes(self, name: str) -> dict[str, int]:
        """Return the number of a subscriber's messages by outcome (see `OUTCOMES`); "heard" means
        heard in order.
        """
        counts = Counter(how for _, how in self.gone[name].values())
        late = int(np.sum(self.overtaken(name)[1] > 0))
        return {
            "heard": counts["heard"] - late,
            "late": late,
            "dead": counts["dead"],
            "lost": counts["lost"],
            "behind": self.at_end(name),
        }
