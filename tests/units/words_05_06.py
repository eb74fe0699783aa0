"""The claims of the labs of units 05 and 06.

The checks count in the records and in `run.depth()`, not with the analysis that the verdict uses.
"""

import re
from collections import Counter
from typing import Any

from mqlearn.study.run import Run
from mqlearn.study.words import format_duration, format_number, format_share
from tests.units.verdicts import claim, number

SCENARIOS = ("GuardedCalls", "BatchedWriter")
N = r"(\d(?:[\d,]*\d)?(?:\.\d+)?)"
Said = re.Match[str]


def count(run: Run, *events: str) -> int:
    """Return how many records there are of these events."""
    return sum(record.event in events for record in run.trace.records)


def totals(run: Run, said: Said, *names: str) -> bool:
    """Return True if the groups are these totals, in their order."""
    return [number(each) for each in said.groups()] == [run.totals[name] for name in names]


# Unit 05.


def levels(run: Run) -> Any:
    """Return the table of depths with only the last row of each instant."""
    depth = run.depth()
    return depth[~depth.index.duplicated(keep="last")]


def waiting(run: Run) -> Any:
    """Return how many orders wait, for a worker or for their next try, over time."""
    depth = levels(run)
    return depth["waiting"] + depth["delayed"]


def shut(run: Run) -> list[tuple[float, float]]:
    """Return the spans (from, to; s) while the breaker was not closed, joined."""
    turns = [
        (record.time, record.event)
        for record in run.trace.records
        if record.event in ("opened", "half_opened", "closed")
    ]
    found, began = [], None
    for time, event in turns:
        if event == "closed" and began is not None:
            found.append((began, time))
            began = None
        elif event != "closed":
            began = time if began is None else began
    return found if began is None else [*found, (began, run.until)]


def just_before(run: Run, time: float) -> int:
    """Return how many orders waited just before `time` (s)."""
    earlier = waiting(run)
    return int(earlier[earlier.index < time].iloc[-1])


@claim(rf"{N} of {N} orders? died", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return totals(run, said, "dead", "sent")


@claim(r"No breaker opened|The breaker never opened", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return not count(run, "opened") and (run.scenario.breaker == "none") == (said[0][:2] == "No")


@claim(r"opened (once|twice|\d+ times) and was open ((?:under |over )?\d+%)", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    times = {"once": 1, "twice": 2}.get(said[1]) or int(said[1].split()[0])
    turns = [r for r in run.trace.records if r.event in ("opened", "half_opened", "closed")]
    ends = [r.time for r in turns[1:]] + [run.until]
    seconds = sum(e - r.time for r, e in zip(turns, ends, strict=True) if r.event == "opened")
    share = seconds / run.scenario.window
    return times == count(run, "opened") and said[2] == format_share(share)


@claim(r"The trouble would begin after the end", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return not run.context.outages


@claim(rf"[Aa]t most {N} waited|The most at once were {N}", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return number(said[1] or said[2]) == waiting(run).max()


@claim(rf"{N} not settled", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == levels(run)[["waiting", "delayed", "in_flight"]].sum(axis=1).max()


@claim(rf"Depth: at most {N} messages? not yet settled")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == levels(run)[["waiting", "delayed", "in_flight"]].sum(axis=1).max()


@claim(rf"When it closed, at {N} s, {N} orders? waited: .+?\.(?= |$)", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    ends = [to for _, to in shut(run) if abs(to - number(said[1])) <= 0.5]
    return any(just_before(run, to) == number(said[2]) for to in ends)


@claim(rf"It is not closed at the end, and {N} orders? waits?: .+?\.(?= |$)", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return shut(run)[-1][1] == run.until and number(said[1]) == just_before(run, run.until)


@claim(rf"At the end {N} orders? waits?(?:, {N} of them for the next try)?", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    delayed = levels(run)["delayed"].iloc[-1]
    return number(said[1]) == waiting(run).iloc[-1] and number(said[2] or "0") == delayed


@claim(r"and it is not closed again", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    return shut(run)[-1][1] == run.until


@claim(rf"at {N} s, .+ {N} s later none waited for a worker", "GuardedCalls")
def _(run: Run, said: Said) -> bool:
    free = levels(run)["waiting"] == 0
    closed = max(to for _, to in shut(run) if abs(to - number(said[1])) <= 0.5)
    return abs(free[free & (free.index >= closed)].index[0] - closed - number(said[2])) <= 0.5


# Unit 06.


def capacity(run: Run, size: int) -> float:
    """Return the orders per second that are written in batches of this size."""
    about = run.scenario
    return float(about.workers * size / (about.per_call + about.per_item * size))


def unsettled(run: Run, time: float) -> int:
    """Return how many orders had come and were neither written nor dead."""
    events = Counter(record.event for record in run.trace.records if record.time <= time)
    return events["sent"] - events["acked"] - events["dead"]


@claim(
    rf"(Backlog grows by {N} a second: )?{N} orders? a second comes?, {N} workers? in batches of "
    rf"{N} can write {N}(?:; {N} (?:is|are) left)?"
    rf"(?:; batches of {N} (?:could keep up)|; (no batch is large enough))?",
    "BatchedWriter",
)
def _(run: Run, said: Said) -> bool:
    about, (grows, by, rate, workers, size, can, left, enough, none) = run.scenario, said.groups()
    true = [
        (number(rate), number(workers), number(size)) == (about.rate, about.workers, about.size),
        can == format_number(capacity(run, about.size)),
        left is None or number(left) == run.totals["left"],
        bool(enough or none) == (about.rate > capacity(run, about.size) + 1e-9),
    ]
    if grows:
        true.append(by == format_number(about.rate - capacity(run, about.size)))
        true.append(unsettled(run, run.until) > unsettled(run, run.until / 2))
    if enough:
        least = int(number(enough))
        true.append(capacity(run, least) > about.rate >= capacity(run, least - 1) - 1e-9)
    if none:
        true.append(capacity(run, 10**9) <= about.rate + 1e-3)
    return all(true)


@claim(rf"Batches of {N} cannot keep up: {N} orders left", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    slow = capacity(run, run.scenario.size) < run.scenario.rate
    return slow and (number(said[1]), number(said[2])) == (run.scenario.size, run.totals["left"])


@claim(
    r"Latency (\S+ m?s) on average(?: of the ([\d,]+) written)?, 99 % at most (\S+ m?s?)"
    r"(?:: filling .+?, waiting .+?, the call .+?)?\.(?= |$)",
    "BatchedWriter",
)
def _(run: Run, said: Said) -> bool:
    done = run.jobs().query("outcome == 'completed'")["sojourn"]
    few = len(done) < 0.9 * run.totals["sent"]
    written = number(said[2]) == len(done) if said[2] else not few
    return said[1] == format_duration(done.mean()) and written


@claim(
    rf"{N} orders? a batch: latency (\S+ m?s), 99 % within (\S+ m?s)(?:; {N} left)?",
    "BatchedWriter",
)
def _(run: Run, said: Said) -> bool:
    done = run.jobs().query("outcome == 'completed'")["sojourn"]
    left = said[4] is None or number(said[4]) == run.totals["left"]
    return said[2] == format_duration(done.mean()) and left


@claim(r"No batch is full, or \S+ s old, when we stop watching", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return run.totals["calls"] == 0


@claim(r"Nothing is written yet|Latency: nothing is done yet", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return run.totals["done"] == 0


@claim(rf"{N} bad orders? died(?: alone)?|No bad order has died yet", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return number(said[1] or "0") <= run.totals["dead"] <= run.totals["sent"]


@claim(r"no good one came back", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return run.totals["redelivered"] == 0


@claim(rf"good ones came back {N} times?, and (?:{N}|none) of them died too", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == run.totals["redelivered"]


@claim(rf"Good orders redelivered {N} times?; {N} of them dead", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == run.totals["redelivered"]


@claim(rf"found by {N} more calls?", "BatchedWriter")
def _(run: Run, said: Said) -> bool:
    return 0 < number(said[1]) < run.totals["calls"] == count(run, "batched")
