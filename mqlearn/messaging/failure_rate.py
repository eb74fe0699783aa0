"""When is it too many failures? A share of the last calls, or of those of the last seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mqlearn.runtime import check


@dataclass(frozen=True)
class FailureRate:
    """Too many have failed when failed / all ≥ `share`, of the last `calls` calls or of the last
    `seconds` (s).

    `seconds`, if given, is the window, whatever `calls` says. Below `minimum` calls in the window
    nothing is judged: one failure of one call is no rate. A window that can hold fewer calls than
    that is judged when it is full.
    """

    share: float = 0.5
    calls: int = 40
    seconds: float | None = None
    minimum: int = 20

    def __post_init__(self) -> None:
        check.number("share", self.share, above=0, high=1)
        check.whole("calls", self.calls, low=1)
        check.number("seconds", self.seconds, above=0, optional=True)
        check.whole("minimum", self.minimum, low=1)


class Window:
    """The outcomes that a `FailureRate` looks at. `failed` counts the failures among them."""

    def __init__(self, rule: FailureRate) -> None:
        self.rule = rule
        self.failed = 0
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._needed = rule.minimum if rule.seconds is not None else min(rule.minimum, rule.calls)

    def __len__(self) -> int:
        return len(self._outcomes)

    def record(self, failed: bool, now: float) -> None:
        """One more outcome, at `now` (s); those that are too old, or too many, are forgotten."""
        outcomes, rule = self._outcomes, self.rule
        outcomes.append((now, failed))
        self.failed += failed
        while (
            len(outcomes) > rule.calls
            if rule.seconds is None
            else outcomes[0][0] <= now - rule.seconds
        ):
            self.failed -= outcomes.popleft()[1]

    @property
    def judged(self) -> bool:
        """Whether there are enough outcomes to say anything."""
        return len(self._outcomes) >= self._needed

    @property
    def tripped(self) -> bool:
        """Whether too many have failed."""
        return self.judged and self.failed / len(self._outcomes) >= self.rule.share

    def __str__(self) -> str:
        return f"{self.failed} of {len(self._outcomes)} failed"
