"""The rules of a replicated log, and what breaks them on a day."""

from __future__ import annotations

from mqlearn.runtime.books import UnbalancedBooks
from mqlearn.study.analysis.promises import PromiseAnalysis
from tests.replication.day import Seen


def mistakes(seen: Seen) -> list[str]:
    """What is wrong with a day under acks "all", where no acknowledged value is lost; empty if it
    keeps every rule.
    """
    if seen.log is None:
        return ["no replica leads in the end"]
    wrong = []
    try:
        seen.trace.balance()
        promises = PromiseAnalysis(seen.told, seen.log, seen.read)
        promises.check_records(seen.records)
    except UnbalancedBooks as unbalanced:
        return [f"the books: {unbalanced}"]
    for rule, values in (
        ("lost", promises.lost),
        ("twice", promises.twice),
        ("overtaken", promises.overtaken),
        ("vanished for a reader", promises.vanished),
    ):
        if values:
            wrong.append(f"{len(values)} {rule}, the first is {values[0]}")
    if seen.moved:
        wrong.append(f"a reader was beyond the log {seen.moved} times")
    if not wrong and seen.read != seen.log[: len(seen.read)]:
        wrong.append("a reader saw another order than the log has")
    if any(copy != seen.log for copy in seen.copies):
        wrong.append("the replicas differ in the end")
    if not seen.committed:
        wrong.append("not all is committed in the end")
    if promises.acknowledged != promises.sent:
        wrong.append(f"{promises.sent - promises.acknowledged} were never acknowledged")
    return wrong
