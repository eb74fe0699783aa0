"""Who heard of what, when and in which order: what the records say of each subscriber."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mqlearn.runtime.trace import Record

# what stands for an occurrence where nobody recorded any
OFFERED = ("sent", "scheduled", "rejected")
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
    """By subscriber, which is a source of the records: when it was to hear of something, and what
    came of that.

    A message *occurs* when its subscribers are to hear of it, whether its publisher gets round to
    it or not. It is then `behind` until it is heard (handled to the end), dead, or lost: refused,
    dropped, purged, or failed where nobody keeps it. It is heard `late` if one that occurred later
    was heard before it.
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
        """The subscribers, in the order in which they were first to hear of something."""
        return list(self.occurred)

    def behind(self, name: str) -> tuple[Floats, Floats]:
        """How many messages this subscriber is behind: times (s), and the number that lasts from
        each on.
        """
        steps = [(time, 1.0) for time in self.occurred[name].values()]
        steps += [(time, -1.0) for time, _ in self.gone[name].values()]
        table = np.array(sorted(steps, key=lambda step: step[0])).reshape(-1, 2)
        lasts = np.append(np.diff(table[:, 0]) > 0, np.ones(min(len(table), 1), dtype=bool))
        return table[lasts, 0], np.cumsum(table[:, 1])[lasts]

    def at_end(self, name: str) -> int:
        """How many it is behind when the records end."""
        return len(self.occurred[name]) - len(self.gone[name])

    def overtaken(self, name: str) -> tuple[Floats, Floats]:
        """Of each message it heard, as it was heard: it occurred as the nth, and so many later ones
        came before it.
        """
        numbers = {message_id: number for number, message_id in enumerate(self.occurred[name], 1)}
        before: list[int] = []  # the numbers heard so far, in order
        found = []
        for message_id, (_, how) in self.gone[name].items():
            if how == "heard":
                place = bisect(before, numbers[message_id])
                found.append((numbers[message_id], len(before) - place))
                before.insert(place, numbers[message_id])
        table = np.array(found, dtype=float).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def outcomes(self, name: str) -> dict[str, int]:
        """How many of its messages came to each of `OUTCOMES`; "heard" are those heard in order."""
        counts = Counter(how for _, how in self.gone[name].values())
        late = int(np.sum(self.overtaken(name)[1] > 0))
        return {
            "heard": counts["heard"] - late,
            "late": late,
            "dead": counts["dead"],
            "lost": counts["lost"],
            "behind": self.at_end(name),
        }
