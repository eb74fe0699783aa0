"""The calls that the window of exercise 05.3 is tried on: outages, nights, and the stretches of ten
usual hours that have the most failures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mqlearn.study.exercise import SEEDS

RATE = 10  # calls per second
USUAL = 0.05  # share of the calls that fail as always
HOURS = 10  # of calm a seed
WIDTHS = (3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 100)  # calls: the densest failures in so many
BEFORE = 300  # calls before the worst of them, and before an outage
SOON = 10.0  # seconds
PARTIAL = 0.5  # share of the calls that fail in a brown-out
BROWN_OUTS = 3  # a seed
NIGHT, QUIET = 40, 1800.0  # calls, and the seconds between two of them


@dataclass(frozen=True)
class Scene:
    """A series of calls, one every `every` seconds from `start` (s) on; `oks` has True for each
    call that succeeds.

    The window must trip within ten seconds from call number `outage` on. If `outage` is None, it
    must never trip.
    """

    name: str
    oks: tuple[bool, ...]
    start: float = 0.0
    every: float = 1 / RATE
    outage: int | None = None

    def time(self, number: int) -> float:
        """Return the time (s) of the call with this number, counted from 0."""
        return self.start + number * self.every


@lru_cache(maxsize=len(SEEDS))
def scenes_of(seed: int) -> tuple[Scene, ...]:
    """Return this seed's scenes: outages, nights, and the worst moments of the calm hours."""
    rng = random.Random(f"outcomes {seed}")

    def calls(count: int, share: float) -> tuple[bool, ...]:
        return tuple(rng.random() >= share for _ in range(count))

    # As many calls as come within the ten seconds, so that a scene ends when it is too late.
    late = int(SOON * RATE)
    nights = [
        tuple(number != only for number in range(NIGHT)) for only in (0, rng.randrange(NIGHT))
    ]
    hard = calls(BEFORE, USUAL) + (False,) * late
    brown = [calls(BEFORE, USUAL) + calls(late, PARTIAL) for _ in range(BROWN_OUTS)]
    return (
        Scene("a hard outage", hard, outage=BEFORE),
        *(Scene("a brown-out", oks, outage=BEFORE) for oks in brown),
        *(Scene("a quiet night", night, every=QUIET) for night in nights),
        *_worst(calm_hours(seed)),
    )


def calm_hours(seed: int) -> Any:
    """Return ten hours of calls, 5 % of them failures: an array of bools, True for a failure."""
    import numpy as np

    # Two random bytes per call are much faster than 360,000 draws, and the same on every machine.
    noise = random.Random(f"calm {seed}").randbytes(2 * HOURS * 3600 * RATE)
    return np.frombuffer(noise, dtype="<u2") < round(USUAL * 2**16)


def _worst(failed: Any) -> Iterator[Scene]:
    """Yield the stretches of calm hours with the most failures, each with the calls before it."""
    import numpy as np

    failures = np.flatnonzero(failed).astype(np.int32)
    tried: list[tuple[int, int]] = []
    for width in sorted(WIDTHS, reverse=True):
        # From each failure on, the number of failures within `width` calls.
        together = np.searchsorted(failures, failures + np.int32(width)) - np.arange(len(failures))
        begin = int(failures[np.argmax(together)])
        start, end = max(0, begin - BEFORE), min(begin + width, len(failed))
        # A stretch inside a longer one need not be tried a second time: widest first, for that.
        if not any(before <= start and end <= after for before, after in tried):
            tried.append((start, end))
            yield Scene("a usual day", tuple((~failed[start:end]).tolist()), start / RATE)
