"""Exercise 05.3: a window over the last calls, which decides when there are too many failures.

Graded on outages, and on the stretches with the most failures in a thousand hours without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from mqlearn.messaging.breaker import OPEN, STATE_EVENTS
from mqlearn.messaging.message import COMPLETED, Outcome
from mqlearn.messaging.percentile import percentile
from mqlearn.runtime.trace import Record
from mqlearn.study.exercise import ENDS_THE_CHECK, Answer, Exercise, Mistake, call_answer
from mqlearn.study.run import Context, Run
from mqlearn.study.tries import Life, Try, run_of_tries
from mqlearn.study.verdict import Verdict
from mqlearn.units.circuit_breaker.window_scenes import HOURS, RATE, SOON, Scene, scenes_of


class Watch(NamedTuple):
    """A scene played to a new window: what `Window()` returned, and its last answer, which was to
    call number `last`.

    A window is asked after each call until its answer is not False.
    """

    scene: Scene
    built: Answer
    last: int = 0
    answer: Answer = Answer()

    @property
    def is_window(self) -> bool:
        """Return True if what was built has the two methods of a window."""
        value = self.built.value
        return all(callable(getattr(value, method, None)) for method in ("record", "tripped"))

    @property
    def is_answered(self) -> bool:
        """Return True if the last answer is a bool, whether True or False."""
        return self.answer.error is None and isinstance(self.answer.value, bool)

    @property
    def now(self) -> float:
        """The time of the last call (s)."""
        return self.scene.time(self.last)


class WindowExercise(Exercise[int, list[Watch]]):
    """A window trips soon in every outage, and at no other time."""

    def play(self, answer: Callable[..., Any], case: int) -> list[Watch]:
        watches = []
        for scene in scenes_of(case):
            watches.append(watch(answer, scene))
            if not watches[-1].is_answered:  # no window, or one that answers nonsense
                break
        return watches

    def mistakes(self, world: list[Watch]) -> Iterator[Mistake]:
        for watched in world:
            if mistake := _mistake(watched):
                yield mistake

    def summary(self, worlds: list[list[Watch]]) -> str:
        waits: dict[str, list[float]] = {}
        for watched in (watched for world in worlds for watched in world):
            scene = watched.scene
            if scene.outage is not None:
                wait = (watched.last - scene.outage) * scene.every
                waits.setdefault(scene.name, []).append(wait)
        hard, brown = waits["a hard outage"], sorted(waits["a brown-out"])
        return (
            f"{len(worlds)} seeds, the worst moments of {len(worlds) * HOURS:,} hours: no false "
            f"alarm; it took at most {max(hard):.1f} s to see a hard outage, and to see a "
            f"brown-out {percentile(brown, 95):.1f} s (p95), at most {brown[-1]:.1f} s"
        )


def check_window(window: Callable[[], Any]) -> Verdict:
    """Grade `Window()`, which must trip soon in an outage and never without one. It has
    `record(ok, now)`, which takes the result of a call, and `tripped(now)`, which returns a bool.

    `now` is in seconds; after each `record`, `tripped` is called at the same instant. Each scene
    has a new window:

    - ten calls per second, and 5 % fail, as always: it never trips. Of ten such hours in each of
      100 seeds, 36 million calls in all, the stretches with the most failures are tried: the most
      in 3, 4, 5, 6, 8, 10, 15 … 100 calls, each with 300 calls before it. A rule about that many
      calls that does not trip there would not have tripped anywhere in the ten hours;
    - a hard outage after 30 s at that rate: all calls fail, and it trips within 10 s;
    - three brown-outs: half of the calls fail, and it trips within 10 s;
    - at night two calls per hour: one failure among many successes does not trip it, nor if it is
      the very first call.
    """
    return EXERCISE.grade(window)


EXERCISE = WindowExercise()


def watch(window: Callable[..., Any], scene: Scene) -> Watch:
    """Record the calls of a scene in a new window, until it trips or gives an answer that is no
    bool.
    """
    watched = Watch(scene, call_answer(window))
    if not watched.is_window:
        return watched
    record, tripped = watched.built.value.record, watched.built.value.tripped
    number = 0
    try:
        for number, ok in enumerate(scene.oks):
            now = scene.time(number)
            record(ok, now)
            answer = tripped(now)
            if answer is not False:
                return watched._replace(last=number, answer=Answer(answer))
    except ENDS_THE_CHECK:
        raise
    except BaseException as error:  # the verdict reports it
        return watched._replace(last=number, answer=Answer(error=error))
    return watched._replace(last=number, answer=Answer(False))


def _mistake(watched: Watch) -> Mistake | None:
    """Return the mistake of a window in its scene, or None if it answered rightly."""
    scene, last, now = watched.scene, watched.last, watched.now
    if not watched.is_window:
        return Mistake(
            f"expected an object with methods record(ok, now) and tripped(now), {watched.built}",
            "hand over the class: Window() makes a window",
        )
    if not watched.is_answered:
        return Mistake(
            f"{scene.name}: record({scene.oks[last]}, {now:.1f}), then tripped({now:.1f}): "
            f"expected True or False, {watched.answer}",
            "record keeps what tripped needs; tripped says whether it is too many",
        )
    tripped: bool = watched.answer.value
    # Right if it tripped in an outage, not before its first call; or if it never tripped without.
    if tripped == (scene.outage is not None) and (scene.outage is None or last >= scene.outage):
        return None
    # Forty calls are four seconds of the usual rate: enough to see why it should trip, or not.
    seen = scene.oks[max(0, last - 39) : last + 1]
    failed = f"{seen.count(False)} of the last {len(seen)} calls had failed"
    begin = "" if scene.outage is None else f" at {scene.time(scene.outage):.1f} s"
    if tripped:
        before = " before that," if begin else ""
        said = f"{scene.name}{begin}: it tripped{before} at {now:,.1f} s; {failed}"
    else:
        said = f"{scene.name}{begin}: {SOON:g} s later it has not tripped; {failed}"
    return Mistake(said, _hint(scene, tripped), partial(replay, scene, last, tripped, said))


def _hint(scene: Scene, tripped: bool) -> str:
    if not tripped:
        return (
            "half of the calls fail: they need not fail in a row"
            if scene.name == "a brown-out"
            else "in ten seconds there are a hundred calls"
        )
    if scene.outage is not None:
        return "5 % fail at any time"
    if scene.every > SOON:
        return "one call, or two, are no rate"
    return "in ten hours there is a lot of bad luck: look at more calls, or ask for more failures"


def replay(scene: Scene, last: int, tripped: bool, said: str) -> Run:
    """Return the run of a scene's calls up to number `last`, the first at 0 s, with a breaker that
    opens if the window tripped.
    """
    starts = [number * scene.every for number in range(last + 1)]
    until = starts[-1] + max(scene.every, 2.0)
    no_answer = Outcome("failed", "no answer")
    calls = []
    for number, (start, ok) in enumerate(zip(starts, scene.oks, strict=False), 1):
        tried = Try(start, start + 0.5 / RATE, COMPLETED if ok else no_answer, "caller")
        calls.append(Life(f"call-{number}", start, (tried,)))
    opened = Record(starts[-1], STATE_EVENTS[OPEN], "breaker", detail="the window tripped")
    began = None if scene.outage is None or scene.outage > last else starts[scene.outage]
    return run_of_tries(
        None,
        calls,
        until,
        queue="calls",
        extra=[opened] * tripped,
        verdict=f"{said}.",
        charts=("load", "breaker"),
        context=Context(
            () if began is None else ((began, until),),
            "down" if scene.name == "a hard outage" else "half down",
            guarded=True,
        ),
    )
