"""Unit 14: which engine suits which need?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Context, Run
from mqlearn.study.scenario import Scenario, param, refuse_queue
from mqlearn.study.words import format_number, format_share
from mqlearn.units.choosing_a_technology.choice import (
    DRAWS,
    MUST,
    Ranked,
    first_share,
    rank,
)
from mqlearn.units.choosing_a_technology.measured import measurements
from mqlearn.units.choosing_a_technology.needs import ENGINES, QUESTIONS
from mqlearn.units.choosing_a_technology.suitability import cell
from mqlearn.units.choosing_a_technology.use_cases import USE_CASES

NONE = "none"


def weight(default: float, sentence: str, group: str = "messages") -> Any:
    """Return the field of a need: its weight, from 0 (not needed) to 3 (must)."""
    return param(default, low=0, high=MUST, step=0.5, group=group, help=sentence)


@dataclass(frozen=True)
class EngineChoice(Scenario):
    """The needs of a system, each with its weight: 0 is not needed, 1 welcome, 2 important, 3 a
    must. `delay` and `latency` are weights too, and no times in seconds. The engines are ranked by
    `rank`.

    Weights are estimates. If each of them is off by up to `doubt`, the first engine may be another:
    the run draws many such rankings and counts.
    """

    TITLE: ClassVar[str] = "Which engine suits which need?"
    CHARTS: ClassVar[tuple[str, ...]] = ("ranking", "measured")
    PREDICTS: ClassVar[str] = "ranking"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        name: {need: float(case.weights.get(need, 0)) for need in QUESTIONS}
        for name, case in USE_CASES.items()
    }

    order: float = weight(2.0, "Several workers handle the messages of one key in their order.")
    replay: float = weight(0.0, "What was read can be read again.")
    fan_out: float = weight(2.0, "Several independent readers get every message.")
    delay: float = weight(1.0, "A single message can be held back until its time.")
    priority: float = weight(1.0, "Urgent messages overtake the others.")
    latency: float = weight(1.0, "A message is there within milliseconds.")
    durability: float = weight(3.0, "A confirmed message survives the loss of a machine.")
    effort: float = weight(2.0, "There is little to run, to update and to watch.", "team")
    cost: float = weight(1.0, "The bill is small while few messages come.", "team")
    known_by_team: float = weight(0.0, "The team runs it already.", "team")
    known: str = param(
        NONE, group="team", choices=(NONE, *ENGINES), help="The engine that the team runs."
    )
    doubt: float = param(
        0.5,
        low=0,
        high=1.5,
        step=0.25,
        group="team",
        help="By how much each weight may be off.",
    )
    prediction: float | None = param(
        None,
        unit="points",
        low=0,
        high=100,
        group="messages",
        help="How many points of 100 will the first engine have?",
    )

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each need."""
        return {need: getattr(self, need) for need in QUESTIONS}

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        refuse_queue(queue, "engines are ranked here, and no message is sent")
        team = () if self.known == NONE else (self.known,)
        ranked = rank(self.weights, team)
        share = first_share(self.weights, team, self.doubt, runtime.draw)
        totals = {each.engine: each.score for each in ranked}
        totals["first_%"] = 100 * share
        parts = [_reasons(ranked, team)]
        if self.known_by_team and not team:
            parts.append("known_by_team changes nothing while known is none.")
        parts += self._compare_prediction(_points(ranked[0]))
        tables = {"ranking": ranked} | _recorded()
        return Run(
            self,
            seed,
            Trace(),
            0.0,
            totals,
            " ".join(parts),
            headline=self._headline(ranked, share),
            context=Context(tables=tables),
        )

    def _headline(self, ranked: list[Ranked], share: float) -> str:
        first, second = ranked[:2]
        if not first.parts:
            return "Nothing is asked for"
        if first.missing:
            return f"No engine has all the musts; {first.name} has {_points(first)} points of 100"
        then = f", {second.name} {_points(second)}" if not second.missing else ""
        sure = f"; first in {format_share(share)} of {DRAWS} rankings" if self.doubt else ""
        off = f" with weights off by up to {format_number(self.doubt)}" if sure else ""
        return f"{first.name} {_points(first)}{then} of 100{sure}{off}"


def _reasons(ranked: list[Ranked], team: tuple[str, ...]) -> str:
    """Return the sentence about the first engine: what speaks for it, and what against it."""
    first, second = ranked[:2]
    if not first.parts:
        return "Nothing is asked for, so every engine will do."
    because = "; ".join(cell(first.engine, need, team).says for need in first.reasons)
    because = f": {because}" if because else ""
    against = cell(first.engine, first.against, team).says
    if first.missing:
        return (
            f"No engine has all the musts. {first.name} has most points, {_points(first)} of 100"
            f"{because}. But it is ruled out: {against}."
        )
    asked = "Against it" if first.against in first.parts else "Not asked for, but against it"
    if second.missing or first.score - second.score > 1e-9:
        return f"{first.name} is first, {_points(first)} of 100{because}. {asked}: {against}."
    return (
        f"{first.name} and {second.name} are level, {_points(first)} of 100. "
        f"{first.name}{because}. {asked}: {against}."
    )


def _points(ranked: Ranked) -> str:
    return format_number(round(ranked.score))


def _recorded() -> dict[str, Any]:
    """Return the measurements for the chart beside the ranking; none if none are recorded."""
    try:
        return {"measured": measurements()}
    except FileNotFoundError:
        return {}
