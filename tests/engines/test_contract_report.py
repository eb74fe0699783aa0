"""The table of the contract says what the tests say, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.engines.contract import lines, rule_and_kind, tally


def report(rule: str, kind: str, outcome: str, when: str = "call", *noted: str) -> Any:
    """Return what pytest hands out after one phase of a test."""
    properties = [("rule", rule), ("kind", kind), ("noted", list(noted))]
    return SimpleNamespace(
        failed=outcome == "failed",
        skipped=outcome == "skipped",
        passed=outcome == "passed",
        when=when,
        user_properties=properties,
    )


def test_each_outcome_has_its_word() -> None:
    """Passed, declared unsupported, skipped as the engine is absent, failed in any phase."""
    table = tally(
        [
            report("order", "memory", "passed"),
            report("order", "redis", "passed", "call", "unsupported"),
            report("order", "kafka", "skipped", "setup"),
            report("order", "sqs", "failed", "setup"),
            report("size", "memory", "passed", "setup"),
            report("size", "redis", "failed"),
        ]
    )
    assert table == {
        "order": {"memory": "pass", "redis": "unsupported", "kafka": "not here", "sqs": "FAILED"},
        "size": {"redis": "FAILED"},
    }


def test_the_worst_of_several_tests_counts() -> None:
    """One failure of a rule is a failure; a pass beside a part that is unsupported is a pass."""
    several = ["passed", "failed", "passed"]
    assert tally(report("order", "redis", each) for each in several)["order"]["redis"] == "FAILED"
    mixed = [report("order", "redis", "passed", "call", *noted) for noted in (["unsupported"], [])]
    assert tally(mixed) == tally(reversed(mixed)) == {"order": {"redis": "pass"}}
    late = [report("order", "redis", "passed"), report("order", "redis", "failed", "teardown")]
    assert tally(late)["order"]["redis"] == "FAILED"


def test_tests_without_a_rule_are_not_in_it() -> None:
    """They have no line."""
    other = SimpleNamespace(failed=True, skipped=False, when="call", user_properties=[])
    assert tally([other]) == {}


def test_a_line_for_each_rule_and_a_column_for_each_kind() -> None:
    """A cell that no test has filled stays empty."""
    table = {"order": {"memory": "pass", "kafka": "not here"}, "lag": {"kafka": "unsupported"}}
    assert lines(table, ["memory", "redis", "kafka"]) == [
        "       memory       kafka",
        "order  pass         not here",
        "lag                 unsupported",
    ]


def test_a_test_of_the_contract_says_what_it_tests(request: Any) -> None:
    """This one has no rule."""
    assert rule_and_kind(request.node) is None
