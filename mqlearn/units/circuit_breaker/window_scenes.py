"""The calls that the window of exercise 05.3 is tried on: outages, nights, and the worst of ten
hours.
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
    """Calls, one every `every` seconds from `start` on; in `oks` whether each succeeds.

    From call number `outage` on the window must trip within ten seconds; None: it must not trip at
    all.
    """

    name: str
    oks: tuple[bool, ...]
    start: float = 0.0
    every: float = 1 / RATE
    outage: int | None = None

    def time(self, number: int) -> float:
        """Return when the call with this number, from 0, is made (s)."""
        return self.start + number * self.every


@lru_cache(maxsize=len(SEEDS))
def scenes_of(seed: int) -> tuple[Scene, ...]:
    """Return this seed's scenes: outages, nights, and the worst moments of the calm hours."""
    rng = random.Random(f"outcomes {seed}")

    def calls(count: int, share: float) -> tuple[bool, ...]:
        return tuple(rng.random() >= share for _ in range(count))

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
    """Ten hours of calls, 5 % of them failures: an array of truth values, true for a failure."""
    import numpy as np

    noise = random.Random(f"calm {seed}").randbytes(2 * HOURS * 3600 * RATE)
    return np.frombuffer(noise, dtype="<u2") < round(USUAL * 2**16)


def _worst(failed: Any) -> Iterator[Scene]:
    """Yield the stretches of calm hours with the most failures, each with the calls before it."""
    import numpy as np

    failures = np.flatnonzero(failed).astype(np.int32)
    tried: list[tuple[int, int]] = []
    for width in sorted(WIDTHS, reverse=True):
        # how many failures there are within `width` calls from each failure on
        together = np.searchsorted(failures, failures + np.int32(width)) - np.arange(len(failures))
        begin = int(failures[np.argmax(together)])
        start, end = max(0, begin - BEFORE), min(begin + width, len(failed))
        if not any(before <= start and end <= after for before, after in tried):
            tried.append((start, end))
            yield Scene("a usual day", tuple((~failed[start:end]).tolist()), start / RATE)
