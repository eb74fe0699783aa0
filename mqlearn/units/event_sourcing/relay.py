"""Exercise 10.3: a relay that publishes the events of an outbox, and may crash at any step. Graded
on random crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import Exercise, Mistake
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.event_sourcing.crashing_relay import ORDERS, STEPS, ShopDatabase


class RelayExercise(Exercise[int, ShopDatabase]):
    """A relay that is called again and again while transactions commit, also after a crash."""

    def play(self, answer: Callable[..., Any], case: int) -> ShopDatabase:
        shop = ShopDatabase(case)
        shop.run(answer)
        return shop

    def mistakes(self, world: ShopDatabase) -> Iterator[Mistake]:
        if world.endless:
            yield Mistake(
                f"it is still going on after {STEPS} steps", "bring over what is there, and return"
            )
        elif world.error is not None:
            yield Mistake(
                f"{world.answers[-1]}", "outbox.pending() gives pairs of an id and an event"
            )
        elif not world.published:
            yield Mistake(
                f"nothing was published; {world.answers[0]}",
                "publish each event of outbox.pending()",
            )
        else:
            for mistake in _mistakes_of_history(world):
                yield Mistake(mistake.said, mistake.hint, partial(_replay, world, mistake.said))

    def summary(self, worlds: list[ShopDatabase]) -> str:
        return (
            f"{len(worlds)} seeds, {sum(len(world.committed) for world in worlds):,} committed "
            f"events, {sum(world.deaths for world in worlds):,} deaths: every event was published, "
            "in order, at most one again for each death"
        )


def check_relay(relay: Callable[[Any, Callable[[StreamEvent], None]], object]) -> Verdict:
    """Grade `relay(outbox, publish)`, which must publish every committed event, although it
    crashes.

    `outbox.pending()` returns a list of (id, event), the smallest id first, with the events that
    are committed and not removed; `outbox.remove(id)` removes one. `publish(event)` hands an event
    to the broker. `relay` is called again and again, also after a crash. Each call should publish
    all that is pending.

    In 100 seeds, 40 transactions on four orders run meanwhile. Each gets its id when it begins and
    commits some steps later, so a smaller id may appear after a larger one (not within one order:
    its transactions wait for each other); a tenth are rolled back. The relay crashes before or
    after any of its three calls in 6 % of all cases. Every committed event must be published, each
    order's for the first time in their order, with at most one repetition for each crash, and the
    outbox must be empty in the end.
    """
    return EXERCISE.grade(relay)


EXERCISE = RelayExercise()


def _mistakes_of_history(shop: ShopDatabase) -> Iterator[Mistake]:
    """Yield the mistakes in the events that the broker got: events lost, out of order, repeated too
    often, or not removed.
    """
    names = [event.event_id for event in shop.published]
    published = set(names)
    lost = next((name for name in shop.committed if name not in published), None)
    if lost is not None:
        gone = shop.committed[lost] not in shop.outbox
        yield Mistake(
            f"{lost} was committed and never published; it is "
            f"{'no longer' if gone else 'still'} in the outbox",
            "who removed it had not published it: a memory of former calls is of another life"
            if lost in shop.skipped
            else "what if it dies between removing an event and publishing it?"
            if gone
            else "ids are given out before transactions commit: a smaller one may appear later",
        )
    first = list(dict.fromkeys(names))  # repetitions may come in any order
    for order in range(1, ORDERS + 1):
        versions = [int(name.split("/")[1]) for name in first if name.startswith(f"order-{order}/")]
        if versions != sorted(versions):
            late = next(b for a, b in pairwise(versions) if b < a)
            yield Mistake(
                f"order-{order}/{late} was published after later events of that order",
                "oldest first, and no event before the one ahead of it is published",
            )
            break
    repeated = len(names) - len(first)
    # A crash between publishing and removing must repeat one event; more is avoidable.
    if repeated > shop.deaths:
        yield Mistake(
            f"{repeated} repetitions after {shop.deaths} deaths",
            "remove each as soon as it is published",
        )
    if shop.outbox and lost is None:
        yield Mistake(
            f"{len(shop.outbox)} events are still in the outbox",
            "what is published must be removed",
        )


def _replay(shop: ShopDatabase, said: str) -> Run:
    """Return the run that a replay shows, with the outbox as a queue: an event waits there, and is
    in flight from its publication to its removal.
    """
    totals: dict[str, float] = {
        "committed": len(shop.committed),
        "published": len(shop.published),
        "deaths": shop.deaths,
        "left": len(shop.outbox),
    }
    charts = ("journeys", "depth")
    return Run(None, shop.seed, shop.trace, float(shop.steps), totals, said, charts=charts)
