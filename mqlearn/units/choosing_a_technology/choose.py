"""Exercise 14.1: the engine that serves the needs of a system and asks least of its team."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.units.choosing_a_technology.cases import CASES, Case
from mqlearn.units.choosing_a_technology.choice import NAMES
from mqlearn.units.choosing_a_technology.fit import burden, objections
from mqlearn.units.choosing_a_technology.needs import ENGINES, Needs

RIGHT = 27  # of the thirty cases; in the others a good engineer may see it differently


class Choice(NamedTuple):
    """A case, and the answer to its needs."""

    case: Case
    answer: Answer


class ChooseExercise(Exercise[tuple[Case, ...], list[Choice]]):
    """All cases together, since a few choices may differ."""

    def cases(self) -> tuple[tuple[Case, ...]]:
        return (CASES,)

    def play(self, answer: Callable[..., Any], case: tuple[Case, ...]) -> list[Choice]:
        # A copy of the needs: if the function changes them, the case must not change.
        return [Choice(each, call_answer(answer, replace(each.needs))) for each in case]

    def mistakes(self, world: list[Choice]) -> Iterator[Mistake]:
        for case, answer in world:
            if not _is_engine(answer):
                yield Mistake(
                    f"{_title(case)}: expected one of {', '.join(ENGINES)}, {answer}",
                    "return the name of one engine, as a text",
                )
                return
        wrong = [choice for choice in world if choice.answer.value not in choice.case.accepted]
        if len(wrong) > len(CASES) - RIGHT:
            case, answer = wrong[0]
            others = ", ".join(str(_number(choice.case)) for choice in wrong[1:])
            yield Mistake(
                f"in {len(wrong)} of {len(CASES)} cases another engine is the better choice: "
                f"{_title(case)}: you chose {answer.value}, which "
                f"{why_not(answer.value, case)}; also in case {others}",
                "strike out what cannot serve, prefer what the team runs already, and of the rest "
                "take what is least to run",
            )

    def summary(self, worlds: list[list[Choice]]) -> str:
        choices = worlds[0]
        right = sum(choice.answer.value in choice.case.accepted for choice in choices)
        text = f"{right} of {len(choices)} choices can be defended"
        others = "; ".join(
            f"in {_title(case)}, {answer.value} {why_not(answer.value, case)}"
            for case, answer in choices
            if answer.value not in case.accepted
        )
        return f"{text}; {others}" if others else text


def check_choose(choose: Callable[[Needs], Any]) -> Verdict:
    """Grade `choose(needs)`, which returns the name of an engine: "kafka", "rabbitmq", "sqs",
    "redis", "redis_pubsub" or "pulsar".

    It is called with the needs of thirty systems, one after the other. Each has one engine that can
    be defended, or two; 27 of the choices must be among them.
    """
    return EXERCISE.grade(choose)


EXERCISE = ChooseExercise()


def why_not(engine: str, case: Case) -> str:
    """Return why this engine, which is not accepted, is not the choice in a case: the rest of a
    sentence that begins with the engine.
    """
    against = objections(engine, case.needs)
    if against:
        return against[0].said
    best = case.accepted[0]
    if best == "redis_pubsub":
        return "serves too, but keeps every message, which nothing here needs"
    if burden(engine, case.needs) > burden(best, case.needs) == 0:
        return f"serves too, but so does {NAMES[best]}, and the team runs it already"
    return f"serves too, but {NAMES[best]} asks less of the team"


def _is_engine(answer: Answer) -> bool:
    return answer.error is None and isinstance(answer.value, str) and answer.value in ENGINES


def _number(case: Case) -> int:
    """Return the number of a case, from 1."""
    return CASES.index(case) + 1


def _title(case: Case) -> str:
    return f"case {_number(case)}, {case.name}"
