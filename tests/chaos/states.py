"""What a breaker may do: its transitions, their reasons, and what is taken in each of its
states.
"""

from __future__ import annotations

from mqlearn.runtime.trace import Record
from tests.chaos.day import Day

FOLLOWS = {"closed": {"opened"}, "opened": {"half_opened"}, "half_opened": {"opened", "closed"}}


class States:
    """One breaker and the pool behind it. `broken` gets (rule, record) for each record that breaks
    a rule.
    """

    def __init__(self, day: Day, broken: list[tuple[str, Record]]) -> None:
        self.broken = broken
        self.probes, self.cooldown, self.rate = (
            day.breaker[name] for name in ("probes", "cooldown", "rate")
        )
        self.mischief = day.mischief > 0
        self.threshold = day.breaker["failure_threshold"]
        # failures in a row, and nothing else
        self.counts = self.rate is None and day.breaker["slow_after"] is None
        self._turn("closed", 0.0)

    def _turn(self, state: str, time: float) -> None:
        """A new state, in which nothing has been seen yet."""
        self.state, self.since = state, time
        self.taken = 0  # but for what was given back
        self.begun: set[int] = set()  # receipts whose tries began in this state
        self.row = 0  # how many of those have failed since one succeeded
        self.good = self.answers = 0  # probes
        self.probed = False  # whether the breaker's last word was a probe's answer

    def hear(self, record: Record) -> None:
        """Hold one record to the rules."""
        time, event, detail = record.time, record.event, record.detail
        rule = ""
        if event in FOLLOWS:
            rule = "" if detail == "by hand" else self._turned(event, time)
            self._turn(event, time)
        elif event == "probed":
            rule = self._probed(str(detail))
        elif event in ("received", "started"):
            rule = self._taken(event, record.receipt)
        elif event == "finished" and record.receipt in self.begun:
            self._finished(str(detail))
        if rule:
            self.broken.append((rule, record))

    def _probed(self, how: str) -> str:
        self.probed = how != "cancelled"
        self.taken -= how == "cancelled"
        self.good += how == "succeeded"
        self.answers += how != "cancelled"
        return "" if self.state == "half_opened" else f"it is {self.state}"

    def _taken(self, event: str, receipt: int) -> str:
        """Nothing is taken while it is open, and at most `probes` at once while it is half-open."""
        if event == "received":
            self.taken += 1
        else:
            self.begun.add(receipt)
        if self.state == "opened":
            return "the breaker is open"
        if self.state == "half_opened" and self.taken > self.probes:
            return f"{self.taken} probes where {self.probes} are allowed"
        if self.state == "closed" and self.counts and self.row >= self.threshold:
            return f"{self.row} in a row have failed, and it is closed"
        return ""

    def _finished(self, how: str) -> None:
        if how.startswith("failed"):
            self.row += 1
        elif how == "completed":
            self.row = 0

    def _turned(self, event: str, time: float) -> str:
        """The rule that this transition breaks, or ""."""
        if event not in FOLLOWS[self.state]:
            return f"it was {self.state}"
        if event == "half_opened":
            over = self.since + self.cooldown
            # where the function that was handed in had no answer, 30 s stand in
            stood_in = self.mischief and time == self.since + 30.0
            return "" if time == over or stood_in else f"its cool-down is over at {over:g} s"
        if self.state == "half_opened":
            needed = self.probes if self.rate is None else min(self.rate.minimum, self.probes)
            seen = self.good if self.rate is None else self.answers
            enough = event == "opened" or seen >= needed
            return "" if self.probed and enough else f"{seen} probes of {needed} have said so"
        return (
            f"{self.row} in a row have failed" if self.counts and self.row < self.threshold else ""
        )
