"""A failure rate in a sliding window: over the last calls, or over the calls of the last
seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mqlearn.runtime import check


@dataclass(frozen=True)
class FailureRate:
    """A rule for a breaker: open when failed / all ≥ `share`, over the last `calls` calls or over
    those of the last `seconds` (s).

    If `seconds` is given, it is the window, and `calls` is ignored. With fewer than `minimum` calls
    in the window the rule does not apply, since one failure of one call says little about a
    service. If a window of `calls` is smaller than `minimum`, the rule applies when the window is
    full.
    """

    share: float = 0.5
    calls: int = 40
    seconds: float | None = None
    minimum: int = 20

    def __post_init__(self) -> None:
        for name, value in {
            "share": check.number("share", self.share, above=0, high=1),
            "calls": check.whole("calls", self.calls, low=1),
            "seconds": check.number("seconds", self.seconds, above=0, optional=True),
            "minimum": check.whole("minimum", self.minimum, low=1),
        }.items():
            object.__setattr__(self, name, value)  # as Python's own number


class Window:
    """The outcomes in the window of a `FailureRate`. `failed` counts the failures among them."""

    def __init__(self, rule: FailureRate) -> None:
        self.rule = rule
        self.failed = 0
        self._outcomes: deque[tuple[float, bool]] = deque()
        # otherwise a window of 10 calls with a minimum of 20 would never apply
        self._needed = rule.minimum if rule.seconds is not None else min(rule.minimum, rule.calls)

    def __len__(self) -> int:
        return len(self._outcomes)

    def record(self, failed: bool, now: float) -> None:
        """Add an outcome at `now` (s), and forget those that have left the window."""
        outcomes, rule = self._outcomes, self.rule
        outcomes.append((now, failed))
        self.failed += failed
        # the outcomes are in the order of time, so those that leave are at the front
        while (
            len(outcomes) > rule.calls
            if rule.seconds is None
            else outcomes[0][0] <= now - rule.seconds
        ):
            self.failed -= outcomes.popleft()[1]

    @property
    def sufficient(self) -> bool:
        """True if there are enough outcomes for the rule to apply."""
        return len(self._outcomes) >= self._needed

    @property
    def tripped(self) -> bool:
        """True if the share of failures has reached the limit."""
        return self.sufficient and self.failed / len(self._outcomes) >= self.rule.share

    def __str__(self) -> str:
        return f"{self.failed} of {len(self._outcomes)} failed"
