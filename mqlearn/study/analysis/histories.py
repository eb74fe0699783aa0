"""The analysis of a shop's records: the changes of each order, and which of them were published as
no event or as several.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mqlearn.runtime.trace import Record
from mqlearn.study.changes import FINAL


@dataclass
class TracedChange:
    """A change of an order as the trace shows it: the new `state`, and the times (s) at which it
    happened, was saved in the database (None: never), and was published as an event, once or more
    often.
    """

    key: str
    state: str
    time: float
    saved: float | None = None
    published: list[float] = field(default_factory=list)

    @property
    def first(self) -> float:
        """The time (s) at which the change was first saved or published; infinity if neither."""
        return min(
            [*self.published[:1], *([] if self.saved is None else [self.saved])],
            default=float("inf"),
        )

    @property
    def silent(self) -> bool:
        """True if the change was saved in the database and never published."""
        return self.saved is not None and not self.published


class HistoryAnalysis:
    """The `changes` of all orders by their id, in the order of happening.

    `silent` has the times (s) at which changes were saved that were never published. `again` has
    the times (s) at which changes were published under a second id; a third id is not counted.
    `appended` has the times (s) at which events were added to the stream. `folded` has a pair for
    each question to the board, which counts orders by folding their events: the time (s), and the
    number of events that it folded for the answer. `repeated` is the number of events that were
    published once more under the same id.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.changes: dict[str, TracedChange] = {}
        self.folded: list[tuple[float, int]] = []
        self.appended: list[float] = []
        self.again: list[float] = []
        self.repeated = 0
        known: set[str] = set()
        for time, event, _, entry, name, *_, detail in records:
            if event == "occurred":
                self.changes[name] = TracedChange(name.rpartition("/")[0], detail, time)
            elif event == "effect":
                saved = self.changes.get(name)
                if saved is not None and saved.saved is None:
                    saved.saved = time
            elif event == "appended":
                self.appended.append(time)
                # "order-17/2, asked again 1" is a second event of the change order-17/2
                change = self.changes.get(name.partition(",")[0])
                if change is None:  # an event of another log in the same trace
                    continue
                if name in known:
                    self.repeated += 1
                    continue
                known.add(name)
                if len(change.published) == 1:
                    self.again.append(time)
                change.published.append(time)
            elif event == "answered":
                self.folded.append((time, entry))
        # A silent change has been saved: the 0.0 is only for the type checker.
        self.silent = sorted(
            change.saved or 0.0 for change in self.changes.values() if change.silent
        )

    def by_key(self) -> dict[str, list[TracedChange]]:
        """Return the changes of each order, in the order of happening."""
        found: dict[str, list[TracedChange]] = {}
        for change in self.changes.values():
            found.setdefault(change.key, []).append(change)
        return found

    def chosen(self, hour: float, most: int) -> list[tuple[str, list[TracedChange]]]:
        """Return at most `most` orders with their changes, the oldest first, for a picture of the
        time `hour` (s).

        If there are more orders than `most`, unfinished ones are chosen before finished ones. Among
        the unfinished, those come first that have a change without an event or with several.
        """
        by_key = self.by_key()
        past = {
            key: [change for change in changes if change.first <= hour]
            for key, changes in by_key.items()
        }
        going = [key for key, changes in past.items() if changes and changes[-1].state not in FINAL]
        torn = [
            key
            for key in going
            if any(change.silent or len(change.published) > 1 for change in past[key])
        ]
        # Spread out, so that a picture shows orders of the whole day, not only its beginning.
        few = _spread_out(torn, most)
        few += _spread_out([key for key in going if key not in torn], most - len(few))
        ended = [key for key, changes in past.items() if changes and changes[-1].state in FINAL]
        # Of the finished orders the last ones are taken, as many as there is room for.
        few += ended[len(ended) - most + len(few) :] if len(few) + len(ended) > most else ended
        return sorted(((key, by_key[key]) for key in few), key=lambda item: item[1][0].time)


def by_events(changes: list[TracedChange], hour: float) -> str:
    """Return the order's state by the events published until `hour` (s); "" if there are none."""
    return next((c.state for c in reversed(changes) if c.published and c.published[0] <= hour), "")


def by_database(changes: list[TracedChange], hour: float) -> str:
    """Return the order's state in the database at `hour` (s); "" if it was not saved by then."""
    return next((c.state for c in reversed(changes) if c.saved is not None and c.saved <= hour), "")


def _spread_out(keys: list[str], most: int) -> list[str]:
    """Return at most `most` of the keys, evenly spread from the first to the last."""
    if len(keys) <= most:
        return keys
    return [keys[round(i * (len(keys) - 1) / max(most - 1, 1))] for i in range(most)]
