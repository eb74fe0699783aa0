"""The claims of the lab of unit 11.

The checks copy the replicas' logs from the records, entry by entry, and count in them.
"""

from collections import Counter
from functools import lru_cache

from mqlearn.runtime.trace import Record
from mqlearn.study.run import Run
from mqlearn.study.words import format_number
from tests.units.verdicts import claim, number
from tests.units.words_05_06 import N, Said, count, totals

SCENARIOS = ("ReplicatedOrders",)
ERRORS = "NotLeader|NotEnoughReplicas|OutOfSequence"


def tenth(value: float) -> str:
    """Return a time (s) as this unit's verdicts write it."""
    return format_number(round(value, 1))


def elections(run: Run) -> list[Record]:
    """Return the records of the elections."""
    return [record for record in run.trace.records if record.event == "elected"]


@lru_cache(maxsize=4)
def _log(seed: int, scenario: object, records: tuple[Record, ...]) -> list[str]:
    logs: dict[str, list[str]] = {}
    leader = ""
    for record in records:
        if not record.worker.startswith("replica-"):
            continue
        mine = logs.setdefault(record.worker, [])
        if record.event == "elected":
            leader = record.worker
        elif record.event == "appended":
            assert len(mine) == record.entry
            mine.append(record.message_id)
        elif record.event == "fetched":
            mine += logs[leader][len(mine) : record.entry]
            assert len(mine) == record.entry
        elif record.event in ("truncated", "power_cut"):
            del mine[record.entry :]
    return logs[leader]


def log(run: Run) -> list[str]:
    """Return what the newest leader has at the end."""
    return _log(run.seed, run.scenario, tuple(run.trace.records))


def said_yes(run: Run) -> dict[str, Record]:
    """Return the first yes to each order, by order."""
    found: dict[str, Record] = {}
    for record in run.trace.records:
        if record.event == "acknowledged":
            found.setdefault(record.message_id, record)
    return found


def lost(run: Run) -> list[str]:
    """Return the orders that were told yes and are not in the log."""
    kept = {*log(run)}
    return [order for order in said_yes(run) if order not in kept]


def arrived(run: Run) -> float:
    """Return how many orders came: their numbers go from 1 up, and the last may wait at its till
    only if others do.
    """
    return run.totals["orders"]


@claim(rf"{N} orders, {N} told yes, {N} of them lost", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    yes, gone = len(said_yes(run)), len(lost(run))
    return [number(each) for each in said.groups()] == [arrived(run), yes, gone]


@claim(rf"{N} orders, 0 told yes(?:; {N} not in the log)?", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    gone = arrived(run) - len({*log(run)})
    return not said_yes(run) and (said[2] is None or number(said[2]) == gone)


@claim(
    rf"(order-\d+) was acknowledged at {N} s by replica (\d) in epoch (\d+), and the log of "
    r"replica (\d), which leads in epoch (\d+), does not have it",
    "ReplicatedOrders",
)
def _(run: Run, said: Said) -> bool:
    told, last = said_yes(run)[said[1]], elections(run)[-1]
    return (
        said[1] in lost(run)
        and tenth(told.time) == said[2]
        and (told.worker, told.receipt) == (f"replica-{said[3]}", int(said[4]))
        and (last.worker, last.receipt) == (f"replica-{said[5]}", int(said[6]))
    )


@claim(
    rf"Two replicas led from {N} s to {N} s: the one of epoch (\d+) said yes to {N} orders? in "
    "that time",
    "ReplicatedOrders",
)
def _(run: Run, said: Said) -> bool:
    begins = {record.receipt: record for record in elections(run)}
    old, new = begins[int(said[3])], begins[int(said[3]) + 1]
    wrong = sum(
        record.event == "acknowledged" and record.receipt == old.receipt and record.time > new.time
        for record in run.trace.records
    )
    return (
        tenth(new.time) == said[1]
        and wrong == number(said[4])
        and (old.worker != new.worker and number(said[2]) > number(said[1]))
    )


@claim(rf"[Nn]o yes for {N} s(?: from {N} s on)?", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    times = [record.time for record in said_yes(run).values()]
    longest, since, before = 0.0, 0.0, 0.0
    for time in [*sorted(times), *([] if max(times) >= 120 else [120.0])]:
        if before < 120:
            longest, since = max((longest, since), (time - before, before))
        before = time
    return tenth(longest) == said[1] and said[2] in (None, tenth(since))


@claim(rf"longest wait was {N} s", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    return said[1] == tenth(run.totals["longest_wait_s"])


@claim(rf"{N} refusals?: ((?:{N} (?:{ERRORS})(?:, )?)+)", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    why = Counter(record.detail for record in run.trace.records if record.event == "refused")
    each = dict(reversed(part.split(" ")) for part in said[2].split(", "))
    return number(said[1]) == count(run, "refused") and {
        error: int(number(many)) for error, many in each.items()
    } == dict(why)


@claim(rf"{N} in the log twice", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    return sum(times > 1 for times in Counter(log(run)).values()) == number(said[1])


@claim(rf"{N} overtaken", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    return totals(run, said, "overtaken") and number(said[1]) > 0


@claim("At the end there is no leader", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    last = [r.event for r in run.trace.records if r.event in ("elected", "offline")]
    return last[-1] == "offline"


@claim(rf"{N} of {N} acknowledged orders? lost", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    return [number(each) for each in said.groups()] == [len(lost(run)), len(said_yes(run))]


# What the charts say.


@claim(rf"yes {N} times, refused {N} times, no answer {N} times", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    kinds = ("acknowledged", "refused", "unanswered")
    return [number(each) for each in said.groups()] == [count(run, kind) for kind in kinds]


@claim(rf"told yes: {N} in the log, {N} not in it", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    yes, gone = len(said_yes(run)), len(lost(run))
    return [number(each) for each in said.groups()] == [yes - gone, gone]


@claim(rf"told no: {N} in the log", "ReplicatedOrders")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == 0
