"""Exercise 05.3: which failures are too many. Graded by the worst moments of a thousand hours, and
by outages.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, ClassVar

from mqlearn.messaging.breaker import OPEN
from mqlearn.study.calls import Made, run_of
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

RATE = 10  # calls a second
USUAL = 0.05  # share of the calls that fail as always
HOURS = 10  # of calm a seed
WIDTHS = (3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 100)  # calls in which most failures come together
BEFORE = 300  # calls before the worst of them, and before an outage
SOON = 10.0  # seconds
BROWN = 0.5  # share of the calls that fail in a brown-out
BROWN_OUTS = 3  # a seed
NIGHT, QUIET = 40, 1800.0  # calls, and the seconds between two of them


@dataclass(frozen=True)
class Scene:
    """Calls, one every `every` seconds from `start` on; in `oks` whether each succeeds.

    From call number `outage` on the window must trip within ten seconds; None: it must not trip at
    all.
    """

    REPLAYS: ClassVar[tuple[str, ...]] = ("load", "breaker")
    name: str
    oks: tuple[bool, ...]
    start: float = 0.0
    every: float = 1 / RATE
    outage: int | None = None


def check_window(window: Callable[[], Any]) -> Verdict:
    """Whether `Window()` sees an outage soon, and nothing else: `record(ok, now)` each call,
    `tripped(now)` is a bool.

    `now` is in seconds; after each record `tripped` is asked at the same instant. Each scene has a
    window of its own:

    - ten calls a second, of which 5 % fail, as always: it never trips. Of ten such hours in each of
      100 seeds, 36 million calls in all, those stretches are tried in which most failures come
      together: the most in 3, 4, 5, 6, 8, 10, 15 … 100 calls, each with 300 calls before it. A rule
      about the last so many calls that does not trip there would not have tripped in the ten hours;
    - a hard outage after 30 s at that rate: all calls fail, and it trips within 10 s;
    - three brown-outs: half of the calls fail, and it trips within 10 s;
    - at night two calls an hour: one failure among many successes does not trip it, nor if it is
      the very first call.
    """
    waits: dict[str, list[float]] = {}
    return grade(
        lambda fn, seed: mistakes(fn, seed, waits),
        window,
        lambda: (
            f"{len(SEEDS)} seeds, the worst moments of {len(SEEDS) * HOURS:,} hours: no false "
            "alarm; "
            "it took at most "
            f"{max(waits['a hard outage']):.1f} s to see a hard outage, and to see a brown-out "
            f"{sorted(waits['a brown-out'])[int(0.95 * len(waits['a brown-out']))]:.1f} s (p95), "
            "at "
            "most "
            f"{max(waits['a brown-out']):.1f} s"
        ),
    )


def mistakes(
    window: Callable[..., Any], seed: int, waits: dict[str, list[float]] | None = None
) -> Iterator[Mistake]:
    """The first fault in each of this seed's scenes; `waits` gets the seconds until an outage was
    seen, by its name.
    """
    for scene in scenes_of(seed):
        made = call_answer(window)
        if not (
            callable(getattr(made.value, "record", None))
            and callable(getattr(made.value, "tripped", None))
        ):
            yield Mistake(
                f"expected an object with methods record(ok, now) and tripped(now), {made}",
                "hand over the class: Window() makes a window",
            )
            return
        last, answer = watch(made.value, scene)
        now = scene.start + last * scene.every
        if answer.error is not None or not isinstance(answer.value, bool):
            yield Mistake(
                f"{scene.name}: record({scene.oks[last]}, {now:.1f}), then "
                f"tripped({now:.1f}): expected True "
                f"or False, {answer}",
                "record keeps what tripped needs; tripped says whether it is too many",
            )
            return
        if fault := _judged(scene, last, answer.value, now):
            yield fault
        elif scene.outage is not None and waits is not None:
            waits.setdefault(scene.name, []).append((last - scene.outage) * scene.every)


def watch(window: Any, scene: Scene) -> tuple[int, Answer]:
    """Record the calls until the window has tripped or answered nonsense: the number of the last,
    and its answer.
    """
    record, tripped = window.record, window.tripped
    number = 0
    try:
        for number, ok in enumerate(scene.oks):
            now = scene.start + number * scene.every
            record(ok, now)
            answer = tripped(now)
            if answer is not False:
                return number, Answer(answer)
    except Exception as error:
        return number, Answer(error=error)
    return number, Answer(False)


def _judged(scene: Scene, last: int, tripped: bool, now: float) -> Mistake | None:
    """What is wrong with a window that tripped at call number `last`, or did not in all the
    calls.
    """
    if tripped == (scene.outage is not None) and (scene.outage is None or last >= scene.outage):
        return None
    seen = scene.oks[max(0, last - 39) : last + 1]
    failed = f"{seen.count(False)} of the last {len(seen)} calls had failed"
    begin = "" if scene.outage is None else f" at {scene.start + scene.outage * scene.every:.1f} s"
    if tripped:
        before = " before that," if begin else ""
        said = f"{scene.name}{begin}: it tripped{before} at {now:,.1f} s; {failed}"
        hint = (
            "5 % fail at any time"
            if begin
            else "one call, or two, are no rate"
            if scene.every > SOON
            else "in ten hours there is a lot of bad luck: look at more calls, or ask for more "
            "failures"
        )
    else:
        said = f"{scene.name}{begin}: {SOON:g} s later it has not tripped; {failed}"
        hint = (
            "half of the calls fail: they need not fail in a row"
            if scene.name == "a brown-out"
            else "in ten seconds there are a hundred calls"
        )
    return Mistake(said, hint, partial(replayed, scene, last, tripped, said))


def replayed(scene: Scene, last: int, tripped: bool, said: str) -> Run:
    """The scene's calls up to number `last`, the first at 0 s, and a breaker that opens if the
    window tripped.
    """
    starts = [number * scene.every for number in range(last + 1)]
    calls = [
        Made(start, start + 0.5 / RATE, ok) for start, ok in zip(starts, scene.oks, strict=False)
    ]
    until = starts[-1] + max(scene.every, 2.0)
    turns = [(starts[-1], OPEN, "the window tripped")] if tripped else []
    broken = [] if scene.outage is None or scene.outage > last else [(starts[scene.outage], until)]
    run = run_of(
        scene,
        calls,
        turns,
        until,
        broken=broken,
        trouble="down" if scene.name == "a hard outage" else "half down",
    )
    return replace(run, verdict=f"{said}.")


@lru_cache(maxsize=len(SEEDS))
def scenes_of(seed: int) -> tuple[Scene, ...]:
    """This seed's scenes: outages, nights, and the worst moments of the calm hours."""
    rng = random.Random(f"outcomes {seed}")

    def calls(count: int, share: float) -> tuple[bool, ...]:
        return tuple(rng.random() >= share for _ in range(count))

    late = int(SOON * RATE)
    nights = [
        tuple(number != only for number in range(NIGHT)) for only in (0, rng.randrange(NIGHT))
    ]
    hard = calls(BEFORE, USUAL) + (False,) * late
    brown = [calls(BEFORE, USUAL) + calls(late, BROWN) for _ in range(BROWN_OUTS)]
    return (
        Scene("a hard outage", hard, outage=BEFORE),
        *(Scene("a brown-out", oks, outage=BEFORE) for oks in brown),
        *(Scene("a quiet night", night, every=QUIET) for night in nights),
        *_worst(calm_hours(seed)),
    )


def calm_hours(seed: int) -> Any:
    """Ten hours of calls of which 5 % fail: an array that says of each whether it does."""
    import numpy as np

    noise = random.Random(f"calm {seed}").randbytes(2 * HOURS * 3600 * RATE)
    return np.frombuffer(noise, dtype="<u2") < round(USUAL * 2**16)


def _worst(failed: Any) -> Iterator[Scene]:
    """The stretches of calm hours in which most failures come together, each with what comes before
    it.
    """
    import numpy as np

    failures = np.flatnonzero(failed).astype(np.int32)
    tried: list[tuple[int, int]] = []
    for width in sorted(WIDTHS, reverse=True):
        together = np.searchsorted(failures, failures + np.int32(width)) - np.arange(len(failures))
        begin = int(failures[np.argmax(together)])
        start, end = max(0, begin - BEFORE), min(begin + width, len(failed))
        if not any(before <= start and end <= after for before, after in tried):
            tried.append((start, end))
            yield Scene("a usual day", tuple((~failed[start:end]).tolist()), start / RATE)
