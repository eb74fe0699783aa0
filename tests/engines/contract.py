"""The rules of the contract, and the table that the end of a test run prints: which kind of queue
keeps which rule. It is made from the reports of the tests, so it cannot say anything else than they
do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

PASS, DECLARED, ABSENT, FAILED = "pass", "unsupported", "not here", "FAILED"
ORDER = (FAILED, ABSENT, PASS, DECLARED)  # of several tests of one rule the first one counts


def rule(text: str) -> pytest.MarkDecorator:
    """Mark a test of the contract with the rule that it tests, in a few words."""
    return pytest.mark.rule(text)


def rule_and_kind(item: pytest.Item) -> tuple[str, str] | None:
    """Return the rule that a test tests, and the kind of queue or log; None for other tests."""
    mark, parameters = item.get_closest_marker("rule"), getattr(item, "callspec", None)
    if mark is None or parameters is None:
        return None
    return mark.args[0], parameters.params.get("site") or parameters.params["log_site"]


def note_rule(item: pytest.Item) -> None:
    """Let the reports of a test say which rule it tests, and with which kind of queue."""
    if (found := rule_and_kind(item)) is not None:
        item.user_properties += zip(("rule", "kind"), found, strict=True)


def cell(report: Any, said: dict[str, Any]) -> str:
    """Return what one report says of its rule; "" if nothing yet."""
    if report.failed:
        return FAILED
    if report.skipped:
        return ABSENT
    if report.when != "call":
        return ""
    return DECLARED if DECLARED in said.get("noted", ()) else PASS


def tally(reports: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Return by rule and kind of queue what the reports say, the rules in their order."""
    table: dict[str, dict[str, str]] = {}
    for report in reports:
        said: dict[str, Any] = dict(getattr(report, "user_properties", ()))
        if "rule" not in said:
            continue
        row = table.setdefault(said["rule"], {})
        found = cell(report, said)
        known = row.get(said["kind"], found)
        if found:
            row[said["kind"]] = min(found, known or found, key=ORDER.index)
    return table


def lines(table: dict[str, dict[str, str]], kinds: Iterable[str]) -> list[str]:
    """Return the table as text: a line for each rule, a column for each kind of queue."""
    kinds = [kind for kind in kinds if any(kind in row for row in table.values())]
    first = max(map(len, table)) + 2
    widths = {kind: max(len(kind), len(DECLARED)) + 2 for kind in kinds}
    text = [" " * first + "".join(kind.ljust(widths[kind]) for kind in kinds)]
    for name, row in table.items():
        cells = "".join(row.get(kind, "").ljust(widths[kind]) for kind in kinds)
        text.append(name.ljust(first) + cells)
    return [line.rstrip() for line in text]


def summary(reporter: Any, kinds: Iterable[str]) -> None:
    """Print the table at the end of a test run that tested the contract."""
    outcomes = ("passed", "failed", "error", "skipped")
    reports = [report for outcome in outcomes for report in reporter.stats.get(outcome, ())]
    table = tally(sorted(reports, key=lambda report: getattr(report, "location", ("", 0))[:2]))
    if not table:
        return
    reporter.section("the contract of all engines")
    for line in lines(table, kinds):
        reporter.write_line(line)
    reporter.write_line("")
    reporter.write_line(
        f'"{DECLARED}": the table of features says so, and the test saw that it is so; '
        f'"{ABSENT}": the engine is not installed, or its server is not ours to kill'
    )
