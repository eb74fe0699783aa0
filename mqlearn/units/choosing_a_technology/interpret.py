"""Exercise 14.3: the faults that make a report of a measurement worthless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.units.choosing_a_technology.reports import FAULTS, REPORTS, RIGHT, Report, Side

# What each fault looks like in the figures, as the question that a reader asks them.
HINTS = {
    "no warm-up": "do the seconds that count include the ramp of a cold engine?",
    "one run": "how many rounds are there to show the spread?",
    "unacknowledged sends": "how many of the sent messages were confirmed when the clock stopped?",
    "client-bound": "which of the two was at its limit, the client or the server?",
    "other body size": "are the messages of both sides of one size?",
    "other durability": "does a confirmation stand for the same on both sides?",
    "average latency": "what does a mean say about the slowest one in a hundred?",
    "coordinated omission": "was a message timed from when it was due, or did the generator wait "
    "with the slow ones?",
}


class Reading(NamedTuple):
    """A report, its faults, and the answer to it."""

    report: Report
    faults: frozenset[str]
    answer: Answer


class InterpretExercise(Exercise[tuple[Report, ...], list[Reading]]):
    """All reports together, so that the verdict can count those that are read wrongly."""

    def cases(self) -> tuple[tuple[Report, ...]]:
        return (REPORTS,)

    def play(self, answer: Callable[..., Any], case: tuple[Report, ...]) -> list[Reading]:
        return [
            Reading(report, faults, call_answer(answer, _copy(report)))
            for report, faults in zip(case, RIGHT, strict=True)
        ]

    def mistakes(self, world: list[Reading]) -> Iterator[Mistake]:
        for report, _, answer in world:
            if not _is_list(answer):
                yield Mistake(
                    f"{_title(report)}: expected a list of faults, {answer}",
                    f"return a list, with none or some of {', '.join(FAULTS)}",
                )
                return
        wrong = [reading for reading in world if set(reading.answer.value) != reading.faults]
        if wrong:
            report, faults, answer = wrong[0]
            missed = [fault for fault in FAULTS if fault in faults - set(answer.value)]
            invented = [fault for fault in FAULTS if fault in set(answer.value) - faults]
            fault = (missed or invented)[0]
            yield Mistake(
                f"{len(wrong)} of {len(world)} reports are not read rightly: {_title(report)}: "
                f"{answer}; {fault!r} is {'missing' if missed else 'not there'} "
                f"({evidence(fault, report)})",
                HINTS[fault],
            )

    def summary(self, worlds: list[list[Reading]]) -> str:
        readings = worlds[0]
        found = sum(len(each.faults) for each in readings)
        clean = sum(not each.faults for each in readings)
        return (
            f"{len(readings)} reports: all {found} faults are found, and nothing is said against "
            f"the {clean} reports that have none"
        )


def check_interpret(interpret: Callable[[Report], Any]) -> Verdict:
    """Grade `interpret(report)`, which returns the list of a report's faults.

    A report has a `title`, `notes` and one or two `sides`; the fields of a side are described in
    `Side`. The faults are:

    "no warm-up": a second that counts is below 70 % of its round's median. "one run": a single
    round. "unacknowledged sends": 1 % or more of the sent messages were not confirmed when the
    clock stopped. "client-bound": the client's busiest core was busy for over 95 % of the time, and
    the server for less than half. "other body size": the sides' bodies differ by more than a tenth.
    "other durability": a confirmation stands for another thing on the other side. "average
    latency": latency is given, and only as a mean. "coordinated omission": latency was timed from
    the sending, and fewer messages were timed than were due.

    Each of 20 reports must be answered with exactly its faults, in any order.
    """
    return EXERCISE.grade(interpret)


EXERCISE = InterpretExercise()


def evidence(fault: str, report: Report) -> str:
    """Return those figures of a report that this fault would show in."""
    return "; ".join(
        f"{side.engine}: {said}" for side in report.sides if (said := _figures(fault, side))
    )


def _figures(fault: str, side: Side) -> str:
    counted = side.rounds[0][side.counted_from :]
    return {
        "no warm-up": f"second {side.counted_from} counts with {counted[0]:,.0f}/s, the last one "
        f"has {counted[-1]:,.0f}/s",
        "one run": f"rounds: {len(side.rounds)}",
        "unacknowledged sends": f"{side.sent:,} sent, {side.confirmed:,} confirmed",
        "client-bound": f"client {side.client_cpu:.0%} busy, server {side.server_cpu:.0%}",
        "other body size": f"{side.body_bytes:,} bytes",
        "other durability": side.durability,
        "average latency": f"latency as {', '.join(side.latency)}",
        "coordinated omission": f"{side.timed:,} timed from "
        f"when they were {side.timed_from}, of "
        f"{side.asked_per_second * side.seconds:,.0f}",
    }[fault]


def _copy(report: Report) -> Report:
    """Return a copy that a function may change without changing the report."""
    return replace(
        report,
        sides=tuple(replace(side, latency=dict(side.latency)) for side in report.sides),
    )


def _is_list(answer: Answer) -> bool:
    """Return True for a list of names of faults; nothing else is walked over, it may be endless."""
    return (
        answer.error is None
        and isinstance(answer.value, list | tuple | set | frozenset)
        and all(isinstance(each, str) and each in FAULTS for each in answer.value)
    )


def _title(report: Report) -> str:
    number = REPORTS.index(report) + 1
    return f"report {number}, {report.title!r}"
