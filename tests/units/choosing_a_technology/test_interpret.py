"""Exercise 14.3: its check tells right from wrong."""

from collections import Counter
from statistics import median

import pytest

from mqlearn.units.choosing_a_technology.interpret import check_interpret, evidence
from mqlearn.units.choosing_a_technology.reports import FAULTS, PLANS, REPORTS, RIGHT

SIDE_RULES = {
    "no warm-up": lambda s: any(min(r[s.counted_from :]) < 0.7 * median(r) for r in s.rounds),
    "one run": lambda s: len(s.rounds) == 1,
    "unacknowledged sends": lambda s: s.confirmed <= 0.99 * s.sent,
    "client-bound": lambda s: s.client_cpu > 0.95 and s.server_cpu < 0.5,
    "average latency": lambda s: list(s.latency) == ["mean"],
    "coordinated omission": lambda s: (
        s.timed_from == "sent" and s.timed < s.asked_per_second * s.seconds
    ),
}


def interpreter(**other):
    """Return the worked solution, with other rules for the sides."""
    rules = SIDE_RULES | {name.replace("_", " "): rule for name, rule in other.items()}

    def interpret(report):
        found = [fault for fault, rule in rules.items() if any(map(rule, report.sides))]
        sizes = [side.body_bytes for side in report.sides]
        if max(sizes) > 1.1 * min(sizes):
            found.append("other body size")
        if len({side.durability for side in report.sides}) > 1:
            found.append("other durability")
        return found

    return interpret


def by_keyword(report):
    """Search the notes for words."""
    words = {
        "warm": "no warm-up",
        "run": "one run",
        "ack": "unacknowledged sends",
        "asynchronous": "unacknowledged sends",
        "client": "client-bound",
        "kB": "other body size",
        "durable": "other durability",
        "mean": "average latency",
        "omission": "coordinated omission",
    }
    return [fault for word, fault in words.items() if word in report.notes]


def right(fn):
    """Return the number of reports that an answer reads rightly."""
    return sum(set(fn(report)) == faults for report, faults in zip(REPORTS, RIGHT, strict=True))


WRONG = {
    "all faults": (lambda report: FAULTS, 0),
    "no fault": (lambda report: [], 3),
    "keywords in the notes": (by_keyword, 6),
    "counted from the start": (
        interpreter(**{"no warm-up": lambda s: s.counted_from == 0}),
        17,
    ),
    "not every send confirmed": (
        interpreter(unacknowledged_sends=lambda s: s.confirmed < s.sent),
        18,
    ),
    "nothing confirmed": (interpreter(unacknowledged_sends=lambda s: not s.confirmed), 19),
    "a mean is named": (interpreter(average_latency=lambda s: "mean" in s.latency), 19),
    "timed from the sending": (
        interpreter(coordinated_omission=lambda s: s.timed_from == "sent"),
        19,
    ),
    "fell behind": (
        interpreter(coordinated_omission=lambda s: s.timed < s.asked_per_second * s.seconds),
        19,
    ),
    "the server is idle": (interpreter(**{"client-bound": lambda s: s.server_cpu < 0.9}), 7),
}


def test_the_worked_solution_passes():
    """And the verdict counts the faults and the sound reports."""
    assert check_interpret(interpreter()).text == (
        "passed: 20 reports: all 35 faults are found, and nothing is said against the 3 reports "
        "that have none"
    )


def test_the_order_of_the_faults_does_not_matter():
    """Nor whether they are a list, a tuple or a set."""
    solution = interpreter()
    assert check_interpret(lambda report: set(solution(report)))
    assert check_interpret(lambda report: tuple(reversed(solution(report))))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_readings_are_caught(name):
    """Each reads as many reports rightly as the solutions quote, and does not pass."""
    fn, count = WRONG[name]
    assert right(fn) == count < len(REPORTS)
    assert not check_interpret(fn)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_wanted_and_each_rule_is_needed(fault):
    """A fault is in four reports or more and missing in many; without its rule nothing passes."""
    having = sum(fault in faults for faults in RIGHT)
    assert 4 <= having <= 5
    solution = interpreter()
    assert not check_interpret(lambda report: [f for f in solution(report) if f != fault])


def test_a_wrong_reading_is_named():
    """The number of wrong ones, the first one with its figures, and a question as hint."""
    assert check_interpret(lambda report: []).text == (
        "not yet: 17 of 20 reports are not read rightly: report 1, 'Kafka against RabbitMQ': it "
        "returned []; 'other body size' is missing (Kafka 4.4.0: 1,000 bytes; RabbitMQ 4.3.5: 100 "
        "bytes). Hint: are the messages of both sides of one size?"
    )
    invented = check_interpret(lambda report: ["one run", "other body size"]).text
    assert "'one run' is not there (Kafka 4.4.0: rounds: 3; " in invented


def test_a_fault_that_is_not_in_the_list_is_told():
    """Also a text instead of a list."""
    for answer in (["slow client"], "one run", [["one run"]], None):
        assert "expected a list of faults, it returned" in check_interpret(lambda _: answer).text  # noqa: B023


def test_the_reports_are_what_was_planned():
    """Three are sound; every trap is laid; a side's figures fit together."""
    assert Counter(len(plan.faults) for plan in PLANS)[0] == 3
    assert len({plan.title for plan in PLANS}) == len(PLANS) == 20
    traps = Counter(trap for plan in PLANS for trap in plan.traps)
    assert len(traps) == 9
    for report in REPORTS:
        for side in report.sides:
            assert side.sent == sum(map(sum, side.rounds)) >= side.confirmed >= 0
            assert side.timed <= side.asked_per_second * side.seconds
        for fault in FAULTS:
            assert evidence(fault, report)
