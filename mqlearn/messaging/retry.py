"""The wait before a message is tried again. A policy is a small value that computes numbers and
never sleeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from mqlearn.runtime import check

JITTERS = ("none", "full", "equal")


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    After the n-th failure (n from 1) the wait is d = min(cap, base · factor^(n−1)) seconds. With
    jitter "none" it is d; with "full" a random part of d, U(0, d); with "equal" half of d plus a
    random part of the other half. `factor=1` gives a fixed wait. The number of retries is not set
    here: it is the message's `max_retries`.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    base: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    jitter: str = "full"

    def __post_init__(self) -> None:
        for name, low in (("base", 0), ("factor", 1), ("cap", 0)):
            # past its own refusal to be changed, since it is frozen
            object.__setattr__(self, name, check.number(name, getattr(self, name), low=low))
        check.one_of("jitter", self.jitter, JITTERS)

    def delay(self, retry_count: int, draw: float = 0.5) -> float:
        """Return the seconds to wait after failure number `retry_count` (from 1), given a random
        `draw` in [0, 1).
        """
        retry_count = check.whole("retry_count", retry_count, low=1)
        draw = check.number("draw", draw, low=0, high=1)
        try:
            wait = min(self.cap, self.base * self.factor ** (retry_count - 1))
        # 2.0 ** 1024 is more than a float can hold, but the cap would have replaced it
        except OverflowError:
            wait = self.cap if self.base else 0.0
        if self.jitter == "full":
            return wait * draw
        if self.jitter == "equal":
            return wait / 2 + wait / 2 * draw
        return wait
