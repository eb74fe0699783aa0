"""The analysis of a fan-out: for each subscriber, the messages it heard, when, and in what
order.
"""

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
    """The messages of each subscriber: when each occurred, and its outcome.

    A subscriber is a source of the records. A message *occurs* when its subscribers are due to hear
    of it, also if its publisher is late or never sends it. From then on the subscriber is `behind`
    by that message, until the message is heard (its handler succeeded), dead or lost. Lost means
    refused, dropped, purged, or failed where no queue keeps it for another try. A message is heard
    `late` if one that occurred after it was heard before it.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        records = list(records)
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
        """Return how far behind a subscriber is over time: times (s), and the number of messages
        from each time on.
        """
        steps = [(time, 1.0) for time in self.occurred[name].values()]
        steps += [(time, -1.0) for time, _ in self.gone[name].values()]
        table = np.array(sorted(steps, key=lambda step: step[0])).reshape(-1, 2)
        # of several steps at one instant only the last one counts
        lasts = np.append(np.diff(table[:, 0]) > 0, np.ones(min(len(table), 1), dtype=bool))
        return table[lasts, 0], np.cumsum(table[:, 1])[lasts]

    def at_end(self, name: str) -> int:
        """Return the number of messages it is behind by at the end of the records."""
        return len(self.occurred[name]) - len(self.gone[name])

    def overtaken(self, name: str) -> tuple[Floats, Floats]:
        """Return two numbers for each message it heard, in the order of hearing: its place in the
        order of occurring, from 1, and the number of later messages that were heard before it.
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
        """Return the number of its messages by outcome (see `OUTCOMES`); "heard" means in order."""
        counts = Counter(how for _, how in self.gone[name].values())
        late = int(np.sum(self.overtaken(name)[1] > 0))
        return {
            "heard": counts["heard"] - late,
            "late": late,
            "dead": counts["dead"],
            "lost": counts["lost"],
            "behind": self.at_end(name),
        }
