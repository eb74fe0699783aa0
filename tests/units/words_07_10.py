"""The claims of the labs of units 07 to 10.

The checks count in the records, not with the analysis that the verdict uses.
"""

import re
from collections import Counter

from mqlearn.lab.chart_data import ChartData
from mqlearn.study.run import Run
from mqlearn.study.words import format_number
from tests.units.verdicts import claim, number
from tests.units.words_05_06 import N, Said, count

SCENARIOS = ("FanOut", "ReadingTheLog", "SharedPartitions", "OrderHistory")


# Unit 07.

NAMES = r"((?:(?:mail|parcel|audit)(?:, | and | ))+)"


def fates(run: Run, name: str) -> Counter[str]:
    """Return how many of a subscriber's orders were heard, dead, lost, and not settled."""
    ends = {"acked": "heard", "dead": "dead", "rejected": "lost", "dropped": "lost"}
    found = Counter(
        ends[r.event] for r in run.trace.records if r.event in ends and r.source.endswith(name)
    )
    found["behind"] = int(run.totals["published"]) - found.total()
    return found


def every(run: Run, names: str, **expected: float) -> bool:
    """Return True if each of these subscribers has these numbers of orders."""
    return all(
        fates(run, name)[fate] == expected[fate]
        for name in re.findall(r"mail|parcel|audit", names)
        for fate in expected
    )


@claim(rf"{NAMES}(?:is|are) up to date", "FanOut")
def _(run: Run, said: Said) -> bool:
    return every(run, said[1], behind=0, dead=0, lost=0)


@claim(rf"{NAMES}(heard none and )?(?:is|are) {N} behind", "FanOut")
def _(run: Run, said: Said) -> bool:
    none = every(run, said[1], heard=0)
    return every(run, said[1], behind=number(said[3])) and none == bool(said[2])


@claim(rf"{NAMES}heard none(?! and)", "FanOut")
def _(run: Run, said: Said) -> bool:
    return every(run, said[1], heard=0, behind=0)


@claim(rf"{NAMES}heard {N} of {N}", "FanOut")
def _(run: Run, said: Said) -> bool:
    whole = number(said[3]) == run.totals["published"]
    return whole and every(run, said[1], heard=number(said[2]), behind=0)


@claim(rf"(Dead letters|Lost): ((?:(?:mail|parcel|audit) {N}(?:, )?)+)", "FanOut")
def _(run: Run, said: Said) -> bool:
    fate = {"Dead letters": "dead", "Lost": "lost"}[said[1]]
    each = re.findall(r"(\w+) ([\d,]+)", said[2])
    return all(fates(run, name)[fate] == number(many) for name, many in each)


@claim(rf"Out of order: ((?:(?:mail|parcel|audit) {N}(?:, )?)+)", "FanOut")
def _(run: Run, said: Said) -> bool:
    each = re.findall(r"\w+ ([\d,]+)", said[1])
    return sum(map(number, each)) == run.totals["overtaken"]


# Unit 08.


def offsets(run: Run) -> dict[int, int]:
    """Return the number of events by partition."""
    return dict(Counter(r.detail for r in run.trace.records if r.event == "appended"))


def never_read(run: Run) -> int:
    """Return how many events no reader has begun with and none can or will."""
    begun = {(r.detail, r.entry) for r in run.trace.records if r.event == "started"}
    past: dict[int, int] = {}  # by partition: all before that is deleted or behind the reader
    for record in run.trace.records:
        if record.event in ("deleted", "committed"):
            past[record.detail] = max(past.get(record.detail, 0), record.entry)
    return sum((p, n) not in begun for p, end in past.items() for n in range(end))


def gone(run: Run) -> int:
    """Return how many events are deleted that the readers have yet to read."""
    start, position = Counter[int](), Counter[int]()
    for record in run.trace.records:
        if record.event == "deleted":
            start[record.detail] = record.entry
        elif record.event == "committed":
            position[record.detail] = record.entry
    begun = {(r.detail, r.entry) for r in run.trace.records if r.event == "started"}
    return sum((p, n) not in begun for p in start for n in range(position[p], start[p]))


@claim(rf"{N} % in one of {N} partitions|all in one partition|One partition", "ReadingTheLog")
def _(run: Run, said: Said) -> bool:
    if said[1] is None:
        return bool(run.scenario.partitions == 1)
    sizes = offsets(run).values()
    return said[1] == f"{100 * max(sizes) / sum(sizes):.0f}"


@claim(
    rf"{N} readers together do (?:at most {N} times what|no more than) one does without falling "
    r"behind|"
    rf": {N} × one reader",
    "ReadingTheLog",
)
def _(run: Run, said: Said) -> bool:
    sizes = offsets(run).values()
    return (said[2] or said[3] or "1") == format_number(sum(sizes) / max(sizes))


@claim(rf"{N}(?: of {N} events)? behind(?: \({N} gone\)|(?: at the end)(?:, {N} of them gone)?)?")
def _(run: Run, said: Said) -> bool:
    if type(run.scenario).__name__ != "ReadingTheLog":
        return True
    lost = said[3] or said[4]
    return number(said[1]) == run.totals["behind"] and (lost is None or number(lost) == gone(run))


@claim(rf"{N}(?: of them)? never read", "ReadingTheLog")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == never_read(run) == run.totals["lost"]


@claim(r"(A reader|\d+ readers) stopped", "ReadingTheLog")
def _(run: Run, said: Said) -> bool:
    return bool(run.scenario.out_of_range == "error" and never_read(run))


# Unit 09.


def mails(run: Run) -> Counter[str]:
    """Return the number of mails by order."""
    return Counter(r.message_id for r in run.trace.records if r.event == "effect")


@claim(rf"{N} of {N} members? had a partition(?:, {N} never)?", "SharedPartitions")
def _(run: Run, said: Said) -> bool:
    joined = {r.message_id[0] for r in run.trace.records if r.event == "joined"}
    gone_at = {(r.message_id, r.time) for r in run.trace.records if r.event in ("left", "evicted")}
    had = {
        r.message_id[0]
        for r in run.trace.records
        if r.event == "assigned" and r.detail and (r.message_id, r.time) not in gone_at
    }
    never = number(said[3]) if said[3] else 0
    return (number(said[1]), number(said[2]), never) == (len(had), len(joined), len(joined - had))


@claim(
    rf"{N} (?:was |were )?mailed twice(?:( or more)(?:, {N} mails? too many)?)?, "
    rf"{N} (?:never will be|lost)",
    "SharedPartitions",
)
def _(run: Run, said: Said) -> bool:
    done = mails(run)
    twice, too_many = sum(n > 1 for n in done.values()), done.total() - len(done)
    more = not said[3] or number(said[3]) == too_many
    said_more = bool(said[2]) == (too_many > twice)
    return number(said[1]) == twice and more and said_more and number(said[4]) == run.totals["lost"]


@claim(rf"{N} (?:is |are )?not committed", "SharedPartitions")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == run.totals["behind"]


@claim(rf"{N} late commits? (?:was|were) refused", "SharedPartitions")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == count(run, "fenced")


@claim(r"A (?:dies|leaves|stands still) only after the end", "SharedPartitions")
def _(run: Run, said: Said) -> bool:
    return not any(
        r.event in ("stalled", "left") or r.detail == "crashed"
        for r in run.trace.records
        if "A" in (r.worker[:1], r.message_id[:1])
    )


@claim(r"[Nn]o member (?:is )?left", "SharedPartitions")
def _(run: Run, said: Said) -> bool:
    return count(run, "joined") == count(run, "left", "evicted")


@claim(
    rf"Repeats: (?:{N} events? done twice or more, )?{N} effects? made again; {N} events? lost",
    "SharedPartitions",
)
def _(run: Run, said: Said) -> bool:
    done = mails(run)
    twice = sum(n > 1 for n in done.values())
    again = number(said[2]) == done.total() - len(done)
    return again and number(said[1] or said[2]) == twice and number(said[3]) == run.totals["lost"]


# Unit 10.


@claim(r"\d\d:\d\d(, by the events)?: (nothing yet|[^.]+?)(?=\.|$)", "OrderHistory")
def _(run: Run, said: Said) -> bool:
    changes = ChartData(run).history.by_key().values()
    asked = 3600 * run.scenario.hour
    known = [
        [each.state for each in order if each.published and each.time <= asked] for order in changes
    ]
    states = Counter(order[-1] for order in known if order)
    written = {
        state: number(many)
        for many, state in re.findall(r"([\d,]+) ([a-z ]+)", said[2].replace("nothing yet", ""))
    }
    return written == dict(states) and bool(said[1]) == bool(run.totals["no event"])


@claim(rf"{N} of {N} changes? (?:has|have) no event, {N} (?:has|have) several", "OrderHistory")
def _(run: Run, said: Said) -> bool:
    saved = {r.message_id for r in run.trace.records if r.event == "effect"}
    names = {r.message_id for r in run.trace.records if r.event == "appended"}
    events = Counter(name.partition(",")[0] for name in names)
    several = sum(n > 1 for n in events.values())
    found = len(saved - set(events)), count(run, "occurred"), several
    return tuple(number(each) for each in said.groups()) == found


@claim(rf"{N} events? came again under an id already known", "OrderHistory")
def _(run: Run, said: Said) -> bool:
    names = [r.message_id for r in run.trace.records if r.event == "appended"]
    return number(said[1]) == len(names) - len(set(names))
