"""The claims of the lab of unit 12, counted again in the records."""

import math

from mqlearn.study.run import Run
from mqlearn.study.words import format_number, format_seconds
from tests.units.verdicts import claim, number
from tests.units.words_05_06 import N, Said

SCENARIOS = ("Rush",)


def fates(run: Run) -> dict[str, int]:
    """Return how many orders came to each end."""
    patience = run.scenario.patience
    sent = {r.message_id: r.time for r in run.trace.records if r.event == "sent"}
    count = dict.fromkeys(("in time", "done in vain", "refused", "dropped", "shed"), 0)
    for record in run.trace.records:
        if record.event == "acked":
            late = record.time - sent.pop(record.message_id) > patience + 1e-9
            count["done in vain" if late else "in time"] += 1
        elif record.event in ("dropped", "expired"):
            sent.pop(record.message_id)
            count["dropped" if record.event == "dropped" else "shed"] += 1
        elif record.event == "rejected":
            count["refused"] += 1
    count["not done yet"] = len(sent)
    return count


def lost(run: Run) -> int:
    """Return the number of orders that were not done in time: at the end no customer waits any
    more.
    """
    return sum(fates(run).values()) - fates(run)["in time"]


@claim(rf"{N} of {N}(?: orders?)?(?: were| was)? lost", "Rush")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == lost(run) and number(said[2]) == sum(fates(run).values())


WAY = "(done in vain|refused|dropped|shed|not done yet)"


@claim(rf"lost, (all )?{WAY}", "Rush")
def _(run: Run, said: Said) -> bool:
    return fates(run)[said[2]] == lost(run) and (said[1] is None) == (lost(run) == 1)


@claim(rf"{N} {WAY}", "Rush")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == fates(run)[said[2]]


@claim(rf"{N} orders? in time, {N} per second; {N} in vain; {N} turned away", "Rush")
def _(run: Run, said: Said) -> bool:
    count = fates(run)
    away = count["refused"] + count["dropped"] + count["shed"]
    # orders come for the window only; what is observed after it belongs to no rate
    rate = round(count["in time"] / run.scenario.window, 2)
    numbers = (count["in time"], rate, count["done in vain"], away)
    return said.groups() == tuple(map(format_number, numbers))


def most_waiting(run: Run) -> list[float]:
    """Return the times (s) at which 1, 2, 3, … orders waited for the first time."""
    waiting, first = 0, list[float]()
    for record in run.trace.records:
        waiting += (record.event == "sent") - (record.event in ("received", "dropped", "expired"))
        if waiting > len(first):
            first.append(record.time)
    return first


@claim(rf"From {N} waiting on, at {N} s, waiting was useless\.", "Rush")
def _(run: Run, said: Said) -> bool:
    it = run.scenario
    useful = it.workers / it.service * (it.patience - it.service)
    at = most_waiting(run)[max(0, math.ceil(useful) - 1)]
    return math.isclose(number(said[1]), useful, abs_tol=0.51) and said[2] == format_seconds(
        at
    ).removesuffix(" s")


@claim(rf"useful up to {N} and may hold {N}: (\S+) of the work was in vain\.", "Rush")
def _(run: Run, said: Said) -> bool:
    it, count = run.scenario, fates(run)
    useful = it.workers / it.service * (it.patience - it.service)
    share = count["done in vain"] / (count["done in vain"] + count["in time"])
    percent = {"under 1%": 0.0, "over 99%": 1.0}.get(said[3])
    near = abs(share - (float(said[3].rstrip("%")) / 100 if percent is None else percent)) <= 0.0051
    return it.limit > useful and number(said[2]) == it.limit and near and count["refused"] > 0


@claim(rf"{N} workers? at the peak; the orders need {N}\.", "Rush")
def _(run: Run, said: Said) -> bool:
    it = run.scenario
    scaled = [r.detail for r in run.trace.records if r.event == "scaled"]
    peak = max(each.starting + each.running + each.leaving for each in scaled)
    rush = it.size if it.trouble == "rush" and it.lasts and it.starts < it.window else 1.0
    return number(said[1]) == peak and number(said[2]) == math.ceil(it.rate * rush * it.service)


@claim(rf"(?<=it is ){N}", "Rush")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == lost(run)
