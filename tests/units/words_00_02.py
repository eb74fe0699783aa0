"""The claims of the labs of units 00 to 02."""

import re
from bisect import bisect_left
from collections import Counter

import pandas as pd

from mqlearn.messaging.percentile import percentile
from mqlearn.study.run import Run
from mqlearn.study.words import format_number, format_share
from tests.units.verdicts import claim, number

SCENARIOS = ("FailingWork", "PriorityMix", "WorkQueue")
PRIORITY = "(CRITICAL|HIGH|NORMAL|LOW)"
N = r"(about 0|\d[\d,]*(?:\.\d+)?)"  # a number as it is written
Said = re.Match[str]


def same(text: str, value: float) -> bool:
    """True if `text` is how `value` is written."""
    return text == format_number(value)


# Unit 00.


@claim(rf"{N} of 1,000 orders died", "FailingWork")
def _(run: Run, said: Said) -> bool:
    return same(said[1], run.totals["dead"]) and run.totals["sent"] == 1000


@claim(rf"{N} are expected when {N}%", "FailingWork")
def _(run: Run, said: Said) -> bool:
    rate = run.scenario.failure_rate
    return same(said[1], 1000 * rate**4) and f"{said[2]}%" == format_share(rate)


# The charts of dead letters, depth and load, wherever they are shown.


@claim(r"Dead letters: (none|[\d,]+)")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == run.totals["dead"] == (run.jobs()["outcome"] == "dead").sum()


@claim(rf"at the end {N} waiting, {N} in flight, {N} delayed")
def _(run: Run, said: Said) -> bool:
    last = run.depth().iloc[-1]
    left = run.totals.get("left", sum(last[["waiting", "in_flight", "delayed"]]))
    told = [number(said[i]) for i in (1, 2, 3)]
    return told == list(last[["waiting", "in_flight", "delayed"]]) and sum(told) == left


# Unit 01.


def waits(run: Run, name: str = "") -> "pd.Series[float]":
    """The waits (s) of the messages of a priority, or of all; NaN if they were not served."""
    jobs = run.jobs()
    return jobs["wait"] if not name else jobs.loc[jobs["priority"] == name, "wait"]


def is_mean(run: Run, name: str, text: str) -> bool:
    """True if `text` is the mean wait, and at least half of the messages are in it."""
    all_waits = waits(run, name)
    return same(text, all_waits.mean()) and 2 * all_waits.count() >= len(all_waits)


@claim(rf"{PRIORITY} (?:waits |and wait )?{N} s", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    return is_mean(run, said[1], said[2])


@claim(rf"{N} of {N} {PRIORITY} (?:was|were) served", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    served, sent = waits(run, said[3]).count(), len(waits(run, said[3]))
    return same(said[1], served) and same(said[2], sent) and 2 * served < sent


@claim(rf"{PRIORITY} {N} of {N} served", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    served, sent = waits(run, said[1]).count(), len(waits(run, said[1]))
    return same(said[2], served) and same(said[3], sent) and 2 * served < sent


@claim(rf"all( together| served)? {N} s", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    told = said[1] != " served" or run.totals["expired"] > 0
    return told and same(said[2], waits(run).mean())


@claim(rf"work for {N} workers?(?: arrives)?, and there (?:is|are) {N}", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    load, workers = run.scenario.load, run.scenario.workers
    return same(said[1], load) and same(said[2], workers) and load >= workers


@claim(rf"{N} of {N} {PRIORITY} (?:waits|still wait) when the shop closes", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    jobs, closing = run.jobs(), 60.0 * run.scenario.minutes
    mine = jobs[jobs["priority"] == said[3]]
    left = (mine["first_received"].fillna(mine["settled"]) > closing).sum()
    return same(said[1], left) and same(said[2], len(mine))


@claim(r"The waits are of those served", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    return run.totals["expired"] > 0


@claim(rf"{N} of {N} expired(?:, (?:(all|{N}) of them {PRIORITY}|a {PRIORITY});)?", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    jobs = run.jobs()
    expired = jobs[jobs["outcome"] == "dead"]
    counts = expired["priority"].value_counts()
    right = same(said[1], len(expired)) and same(said[2], len(jobs))
    if said[5] is None:
        return right
    share = len(expired) if said[3] == "all" else number(said[3])
    return right and share == counts[said[5]] == counts.max()


@claim(rf"they were still counted as waiting for another {N} s on average", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    late = [
        record.time - record.detail for record in run.trace.records if record.event == "expired"
    ]
    return same(said[1], sum(late) / len(late))


@claim(rf"theory says {N}(?:, {N} and {N})? s", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    theirs = run.theory["wait_by_priority"]
    sent = set(run.jobs()["priority"])
    shown = [name for name in ("LOW", "NORMAL", "HIGH", "CRITICAL") if name in sent]
    names = [shown[0], shown[-1], "all"] if said[2] else ["all"]
    return [g for g in said.groups() if g] == [format_number(theirs[name]) for name in names]


@claim(rf"All are {PRIORITY}", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    return set(run.jobs()["priority"]) == {said[1]}


@claim(r"Nothing was handed out", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    return not waits(run).count()


@claim(rf"Dead letters by reason: (none|expired {N})", "PriorityMix")
def _(run: Run, said: Said) -> bool:
    return number(said[2] or said[1]) == run.totals["expired"]


# Unit 02.


def begun(run: Run) -> list[float]:
    """The waits (s) until work begins, the shortest first."""
    sent = run.jobs().set_index("entry")["sent"]
    tries = run.tries()
    return sorted(tries["start"] - tries["entry"].map(sent))


def rate(run: Run) -> float:
    """Jobs that arrive a second, as the setting says."""
    return float(run.scenario.rate)


@claim(
    rf"(?<!not )(?<!not always )keeps? up: {N} a second arrive, {N} can be finished", "WorkQueue"
)
def _(run: Run, said: Said) -> bool:
    able = run.scenario.capacity
    right = same(said[1], rate(run)) and same(said[2], able) and rate(run) < able
    return right and not run.totals["refused"] and run.totals["left"] < 0.1 * run.totals["sent"]


@claim(rf"not always keep up: {N} a second arrive, {N} can be finished", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    right = same(said[1], rate(run)) and same(said[2], run.scenario.capacity)
    return right and (run.totals["refused"] > 0 or run.totals["left"] > 0.1 * run.totals["sent"])


@claim(rf"nothing to spare: {N} a second arrive, {N} can be finished", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    right = same(said[1], rate(run)) and same(said[2], run.scenario.capacity)
    return right and rate(run) >= run.scenario.capacity - 1e-9


@claim(rf"Backlog grows by {N} messages? a second: {N} arrive, .* finish(?:es)? {N};", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    able, left = run.scenario.capacity, run.depth()[["waiting", "in_flight"]].sum(axis=1)
    halfway = left.iloc[bisect_left(list(left.index), run.until / 2)]
    right = same(said[1], rate(run) - able) and same(said[2], rate(run)) and same(said[3], able)
    return right and halfway < left.iloc[-1] and not run.totals["refused"]


@claim(rf"full after {N} s, {N} refused", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    times = [record.time for record in run.trace.records if record.event == "rejected"]
    full = run.depth()["waiting"].max() == run.scenario.queue_limit
    return full and same(said[1], times[0]) and same(said[2], len(times))


@claim(rf"The queue was full: {N} of {N} jobs were refused", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    sent, refused = run.totals["sent"], run.totals["refused"]
    return refused > 0 and same(said[1], refused) and same(said[2], sent + refused)


@claim(rf"mean wait (?:of )?(?:those begun )?{N} s|Waits: mean {N} s", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    found = begun(run)
    mean = sum(found) / len(found)
    return same(said[1] or said[2], mean) and same(said[1] or said[2], run.totals["mean_wait_s"])


@claim(rf"95 %( of those begun)? wait(?:ed)? (?:at most|up to) {N} (s|minutes)", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    p95 = percentile(begun(run), 95)
    if "minutes" in said[3]:
        return same(said[2], 2 * p95)
    unserved = len(begun(run)) < run.totals["sent"] + run.totals["refused"]
    is_chart = "waited" in said[0]
    return same(said[2], p95) and (is_chart or bool(said[1]) == unserved)


@claim(rf"{N} minutes of the recorded day", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    return same(said[1], 2 * percentile(begun(run), 95))


@claim(rf"Idle beside work {N}% of the time, up to {N}(?: jobs)? in one pair", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    held: Counter[str] = Counter()
    most = 0
    for record in run.trace.records:
        if record.event in ("received", "acked"):
            held[record.worker] += 1 if record.event == "received" else -1
            most = max(most, held[record.worker])
    return f"{run.totals['idle_beside_work_%']:.0f}" == said[1] and same(said[2], most)


@claim(rf"{N} (?:of {N} )?are left", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    return same(said[1], run.totals["left"])


@claim(rf"{N} workers?(?:, (?:one )?{N} times as slow,)?", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    slow = said[2] is None or same(said[2], run.scenario.slow_worker)
    return same(said[1], run.scenario.workers) and slow


@claim(rf"{N} arrive(?: a second)?, .* finish(?:es)? {N}", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    return same(said[1], rate(run)) and same(said[2], run.scenario.capacity)


@claim(rf"theory {N} s", "WorkQueue")
def _(run: Run, said: Said) -> bool:
    return same(said[1], run.theory["wait"])
