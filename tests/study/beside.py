"""Totals that no queue's books have, counted again from the records of a run."""

from __future__ import annotations

from collections import Counter

import numpy as np

from mqlearn.study.run import Run


def beside(run: Run) -> dict[str, int]:
    """What no queue knows of: tries, what a breaker did, and orders by their charges.

    An order's second message has an id ending in /2.
    """
    charges = Counter(record.detail for record in run.trace.records if record.event == "effect")
    orders = {
        record.message_id.partition("/")[0]
        for record in run.trace.records
        if record.event == "sent"
    }
    dead = [
        record.message_id.partition("/")[0]
        for record in run.trace.records
        if record.event == "dead"
    ]
    events = Counter(record.event for record in run.trace.records)
    told = [record for record in run.trace.records if record.event == "occurred"]
    gone = Counter(
        record.source
        for record in run.trace.records
        if record.event in ("acked", "dead", "expired", "rejected", "dropped")
    )
    owed = Counter(record.source for record in told)
    heard: dict[str, list[int]] = {name: [] for name in owed}
    for record in run.trace.records:
        if told and record.event == "acked":
            heard[record.source].append(int(record.message_id.partition("-")[2]))
    return patience_of(run) | {
        "published": len({record.message_id for record in told}),
        "behind": max((owed[name] - gone[name] for name in owed), default=0),
        "overtaken": sum(
            any(later > number for later in those[:place])
            for those in heard.values()
            for place, number in enumerate(those)
        ),
        "tries": len(run.tries()),
        "opened": events["opened"],
        "probes": events["probed"],
        "charges": charges.total(),
        "never": sum(charges[order] == 0 for order in orders),
        "twice": sum(charges[order] > 1 for order in orders),
        "dead_but_charged": sum(charges[order] > 0 for order in dead),
        "calls": events["batched"],
        "low_served": len(
            {
                record.message_id
                for record in run.trace.records
                if record.event == "received" and record.priority == "LOW"
            }
        ),
        "redelivered": sum(
            record.event == "nacked" and record.detail == "another message of the batch failed"
            for record in run.trace.records
        ),
        "missed": missed(run, 60.0),
        "false_pages": sum(
            record.event == "paged" and record.time < trouble_begins(run)
            for record in run.trace.records
        ),
    }


def patience_of(run: Run) -> dict[str, int]:
    """What becomes of orders whose customers wait for so long, and of the workers that serve them;
    nothing where the scenario has no patience.
    """
    if not hasattr(run.scenario, "patience"):
        return {}
    sent = {r.entry: r.time for r in run.trace.records if r.event == "sent"}
    stays = [r.time - sent[r.entry] for r in run.trace.records if r.event == "acked"]
    in_time = sum(stay <= run.scenario.patience for stay in stays)
    refused = sum(r.event == "rejected" for r in run.trace.records)
    depth = run.depth()
    counts = [r.detail for r in run.trace.records if r.event == "scaled"]
    return {
        "in_time": in_time,
        "in_vain": len(stays) - in_time,
        "lost": len(sent) + refused - in_time,
        "waiting": int(depth[depth.index <= run.scenario.window]["waiting"].iloc[-1]),
        "peak": max(each.starting + each.running for each in counts),
    }


def trouble_begins(run: Run) -> float:
    """When the first trouble begins (s)."""
    return min((begins for begins, _ in run.context.outages), default=np.inf)


def missed(run: Run, goal: float) -> int:
    """How many entries were not done within so many seconds, of those that had so much time."""
    sent = {r.entry: r.time for r in run.trace.records if r.event == "sent"}
    done = {r.entry: r.time for r in run.trace.records if r.event == "acked"}
    due = {entry: time + goal for entry, time in sent.items() if time + goal < run.until}
    return sum(done.get(entry, np.inf) > deadline for entry, deadline in due.items())
