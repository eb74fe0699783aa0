"""The report of a run of unit 11: its totals, its verdict and its headline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import pairwise
from typing import Any

from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.promises import PromiseAnalysis
from mqlearn.study.analysis.replicas import LEADER, ReplicaAnalysis
from mqlearn.study.run import Context, Run
from mqlearn.study.words import format_count, format_number, format_seconds
from mqlearn.units.replication.shop import AT, DIES, NOTHING, RATE, WINDOW, Shop


def report(scenario: Any, shop: Shop, trace: Trace, until: float, seed: int) -> Run:
    """Return the run that a frozen trace and the shop's tills tell of, observed until `until`
    (s).
    """
    books = shop.books
    books.check_records(trace.records)
    replicas = ReplicaAnalysis(trace.records, until)
    count = Counter(record.event for record in trace.records)
    waits = waiting(trace, shop.arrived)
    then = [
        wait for order, wait in waits.items() if AT <= shop.arrived[order] < AT + scenario.lasts
    ]
    silence, since = longest_silence(trace, shop.start)
    yes = books.acknowledged
    totals: dict[str, float] = {
        "orders": books.sent,
        "told_yes": yes,
        "lost": len(books.lost),
        "twice": len(books.twice),
        "overtaken": len(books.overtaken),
        "refusals": count["refused"],
        "unanswered": count["unanswered"],
        "epochs": len(replicas.elections),
        "mean_wait_s": _mean(waits.values()),
        "wait_meanwhile_s": _mean(then),
        "longest_wait_s": max(waits.values(), default=float("nan")),
        "silence_s": silence,
    }
    parts = [_lost(books, replicas, trace, totals)]
    parts += _two_leaders(replicas, trace)
    if yes:
        longest = _seconds(totals["longest_wait_s"])
        quiet = f"No yes for {_seconds(silence)} from {_seconds(since)} on; the"
        parts.append(f"{quiet if silence >= 1 else 'The'} longest wait was {longest}.")
    parts += _refused(trace)
    parts += _repeated(totals)
    if shop.log.leader is None:
        parts.append("At the end there is no leader.")
    parts += scenario._compare_prediction(format_number(totals["lost"]))
    headline = f"{format_number(totals['lost'])} of {format_count(yes, 'acknowledged order')} lost"
    if not yes:
        headline = f"{format_count(totals['orders'], 'order')}, 0 told yes"
    elif silence >= 1:
        headline += f", no yes for {_seconds(silence)}"
    context = Context(tables={"promises": books})
    return Run(
        scenario, seed, trace, until, totals, " ".join(parts), theory(scenario), headline, context
    )


def _seconds(value: float) -> str:
    """Return a time (s) as a text, to a tenth of a second like the times in the notebook."""
    return format_seconds(round(value, 1))


def theory(scenario: Any) -> dict[str, Any]:
    """Return what arithmetic expects: the acknowledged orders that a dead leader takes with it, or
    the mean wait (s) for a yes of all replicas.
    """
    if scenario.acks == "1" and scenario.what == DIES and scenario.replicas > 1:
        return {"lost": RATE * scenario.fetch_every / 2}
    if scenario.acks == "all" and scenario.what == NOTHING and scenario.replicas > 1:
        return {"mean_wait_s": scenario.fetch_every * (2 - 1 / scenario.replicas)}
    return {}


def waiting(trace: Trace, arrived: dict[str, float]) -> dict[str, float]:
    """Return the seconds from an order's arrival at its till to its yes, by order."""
    waits: dict[str, float] = {}
    for record in trace.records:
        if record.event == "acknowledged" and record.message_id in arrived:
            waits.setdefault(record.message_id, record.time - arrived[record.message_id])
    return waits


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def longest_silence(trace: Trace, start: float) -> tuple[float, float]:
    """Return the longest time (s) without a yes while orders came, and when it began (s)."""
    times = [record.time for record in trace.records if record.event == "acknowledged"]
    marks = [start, *(time for time in times if time < start + WINDOW)]
    later = [time for time in times if time >= start + WINDOW]
    marks.append(later[0] if later else start + WINDOW)
    return max((b - a, a) for a, b in pairwise(marks))


def _lost(
    books: PromiseAnalysis, replicas: ReplicaAnalysis, trace: Trace, totals: dict[str, float]
) -> str:
    orders, yes = format_count(totals["orders"], "order"), format_number(totals["told_yes"])
    if not totals["told_yes"]:
        gone = books.sent - books.kept - books.there
        return f"{orders}, 0 told yes; {format_number(gone)} not in the log."
    if not books.lost:
        return f"{orders}, {yes} told yes, 0 of them lost."
    lost = {*books.lost}
    told = next(r for r in trace.records if r.event == "acknowledged" and r.message_id in lost)
    leader, name = replicas.elections[-1], told.worker.replace("-", " ")
    return (
        f"{orders}, {yes} told yes, {format_number(len(lost))} of them lost: {told.message_id} was "
        f"acknowledged at {_seconds(told.time)} by {name} in epoch {told.receipt}, "
        f"and the log of replica {leader[1]}, which leads in epoch {leader[2]}, does not have it."
    )


def _two_leaders(replicas: ReplicaAnalysis, trace: Trace) -> list[str]:
    """Say when two replicas led at once, and how many orders the older one acknowledged then."""
    led = sorted((s for s in replicas.spans if s.role == LEADER), key=lambda s: s.epoch)
    for old, new in pairwise(led):
        if new.start < old.end:
            wrong = sum(
                record.event == "acknowledged"
                and record.receipt == old.epoch
                and record.time > new.start
                for record in trace.records
            )
            return [
                f"Two replicas led from {_seconds(new.start)} to "
                f"{_seconds(old.end)}: the one of epoch {old.epoch} said yes to "
                f"{format_count(wrong, 'order')} in that time."
            ]
    return []


def _refused(trace: Trace) -> list[str]:
    """Say how many tries were refused, by the error."""
    why = Counter(record.detail for record in trace.records if record.event == "refused")
    if not why:
        return []
    each = ", ".join(f"{format_number(count)} {error}" for error, count in why.most_common())
    return [f"{format_count(why.total(), 'refusal')}: {each}."]


def _repeated(totals: dict[str, float]) -> list[str]:
    found = [
        f"{format_number(totals['twice'])} in the log twice" if totals["twice"] else "",
        f"{format_number(totals['overtaken'])} overtaken" if totals["overtaken"] else "",
    ]
    return [f"{', '.join(each for each in found if each)}."] if any(found) else []
