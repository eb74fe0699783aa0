"""The choice of an engine: needs and their weights in, ranked engines with their reasons out.

    score = 100 × Σ weight × points  /  Σ weight × 3

`points` are the cells of `suitability`, from 0 to 3. An engine with 3 points wherever something is
asked for has a score of 100. A sum lets one need make up for another; a must does not: an engine
with 0 points for a need of weight 3 is ruled out, whatever its score.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mqlearn.runtime import check
from mqlearn.units.choosing_a_technology.needs import ENGINES, QUESTIONS
from mqlearn.units.choosing_a_technology.suitability import cell

NAMES: Final = {
    "kafka": "Kafka",
    "rabbitmq": "RabbitMQ",
    "sqs": "Amazon SQS",
    "redis": "Redis Streams",
    "redis_pubsub": "Redis Pub/Sub",
    "pulsar": "Pulsar",
}
LABELS: Final = {"fan_out": "fan-out", "known_by_team": "team"}  # of needs, if not their names
MOST: Final = 3  # points of a cell
GOOD: Final = 2  # points of a cell that can speak for an engine; 1 says that it does this badly
MUST: Final = 3.0  # the weight of a need that rules out an engine without it
DRAWS: Final = 500  # of other weights, to see how sure the first place is


@dataclass(frozen=True)
class Ranked:
    """One engine's place in a ranking.

    score      from 0 to 100
    parts      by need that was asked for: its part of the score, and the most that could be
    reasons    the needs that decided: those with the largest weighted lead over the mean of the
               engines that are not ruled out; two, or fewer. No reason is a cell of less than 2
               points, nor what speaks against the engine
    against    the must that it lacks, else the need that costs it the most points; if none does,
               its weakest need among those that were not asked for
    missing    the musts that it lacks: if there are any, it is ruled out
    """

    engine: str
    score: float
    parts: dict[str, tuple[float, float]]
    reasons: tuple[str, ...]
    against: str
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the engine as it is usually written."""
        return NAMES[self.engine]

    @property
    def bars(self) -> dict[str, tuple[float, float]]:
        """The parts, by the short names of the needs in charts."""
        return {label(need): part for need, part in self.parts.items()}


def label(need: str) -> str:
    """Return the short name of a need: "fan-out", "team"."""
    return LABELS.get(need, need)


def rank(weights: Mapping[str, float], known: Iterable[str] = ()) -> list[Ranked]:
    """Return all engines, the best first, for needs with weights from 0 (not needed) to 3 (must).

    `known` are the engines that the team runs already; they matter by the weight of
    "known_by_team". Engines that lack a must come last; engines with the same score stay in the
    order of `ENGINES`. Raises ValueError for a need or an engine that is not in the lists, and for
    a weight out of range.
    """
    known = tuple(known)
    for engine in known:
        check.one_of("known", engine, ENGINES)
    asked = _asked(weights, known)
    points = {e: {n: cell(e, n, known).points for n in QUESTIONS} for e in ENGINES}
    missing = {
        e: tuple(n for n, weight in asked.items() if weight == MUST and not points[e][n])
        for e in ENGINES
    }
    in_play = [engine for engine in ENGINES if not missing[engine]] or list(ENGINES)
    ranked = []
    for engine in ENGINES:
        rivals = [points[other] for other in in_play if other != engine]
        ranked.append(_place(engine, points[engine], rivals, asked, missing[engine]))
    return sorted(ranked, key=lambda each: (bool(each.missing), -round(each.score, 9)))


def first_share(
    weights: Mapping[str, float],
    known: Iterable[str],
    doubt: float,
    draw: Callable[[str, int], float],
) -> float:
    """Return the share of `DRAWS` rankings with other weights that keep the same engine first.

    Each weight is off by up to `doubt` in both directions, but stays from 0 to 3. A need that is
    not asked for stays so, and a must stays a must. `draw(need, i)` gives numbers in [0, 1).
    """
    known = tuple(known)
    asked = _asked(weights, known)
    found = rank(asked, known)
    in_play = [each.engine for each in found if each.missing == found[0].missing]
    points = {e: [cell(e, n, known).points for n in asked] for e in in_play}
    kept = 0
    for i in range(DRAWS):
        moved = [
            min(max(weight + doubt * (2 * draw(need, i) - 1), 0.0), MUST)
            for need, weight in asked.items()
        ]
        scores = {
            e: sum(w * p for w, p in zip(moved, row, strict=True)) for e, row in points.items()
        }
        kept += max(scores, key=lambda e: scores[e]) == in_play[0]
    return kept / DRAWS


def _asked(weights: Mapping[str, float], known: Collection[str]) -> dict[str, float]:
    """Return the weights above 0, in the order of `QUESTIONS`; a team that runs no engine yet has
    none to ask for.
    """
    for need, weight in weights.items():
        check.one_of("weights", need, QUESTIONS)
        check.number(f"weights[{need!r}]", weight, low=0, high=MUST)
    needs = [need for need in QUESTIONS if need != "known_by_team" or known]
    return {need: float(weights[need]) for need in needs if weights.get(need, 0) > 0}


def _place(
    engine: str,
    mine: dict[str, int],
    rivals: list[dict[str, int]],
    asked: dict[str, float],
    missing: tuple[str, ...],
) -> Ranked:
    whole = MOST * sum(asked.values()) or 1.0
    ahead = {
        need: weight * (mine[need] - sum(row[need] for row in rivals) / max(len(rivals), 1))
        for need, weight in asked.items()
    }
    # First where it is ahead of the mean of the others; then what brings it the most points.
    deciding = sorted(ahead, key=lambda n: (-round(ahead[n], 9), -asked[n] * mine[n]))
    lost = {need: weight * (MOST - mine[need]) for need, weight in asked.items()}
    unasked = {need: MOST - mine[need] for need in QUESTIONS if need not in asked}
    costs: Mapping[str, float] = lost if any(lost.values()) else unasked or lost
    # Of equal losses the one where it has the fewest points.
    against = missing[0] if missing else max(costs, key=lambda n: (costs[n], -mine[n]))
    return Ranked(
        engine,
        100 * sum(weight * mine[need] for need, weight in asked.items()) / whole,
        {n: (100 * w * mine[n] / whole, 100 * w * MOST / whole) for n, w in asked.items()},
        tuple(need for need in deciding if mine[need] >= GOOD and need != against)[:2],
        against,
        missing,
    )
