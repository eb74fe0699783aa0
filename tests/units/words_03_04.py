"""The claims of the labs of units 03 and 04."""

import re
from collections import Counter

from mqlearn.study.run import Run
from mqlearn.study.words import format_number
from tests.units.verdicts import claim, number
from tests.units.words_00_02 import N, same

SCENARIOS = ("CardCharges", "CardOutage")
Said = re.Match[str]


# Unit 03.


def charges(run: Run) -> dict[str, list[float]]:
    """The times of the charges (s) by order; every order that was sent is in it."""
    found = {name.removesuffix("/2"): [] for name in run.jobs()["message_id"]}
    for record in run.trace.records:
        if record.event == "effect":
            found[record.detail].append(record.time)
    return found


def harms(run: Run) -> tuple[int, int]:
    """The numbers of orders charged twice or more, and never."""
    counts = [len(times) for times in charges(run).values()]
    return sum(count > 1 for count in counts), counts.count(0)


@claim(rf"{N} of 1,000(?: orders)? charged twice or more, {N} never", "CardCharges")
def _(run: Run, said: Said) -> bool:
    return (said[1], said[2]) == tuple(map(format_number, harms(run)))


@claim(rf"Order-(\d+), again at {N} s: (?:.* at {N} s)?.*?\.(?= |$)", "CardCharges")
def _(run: Run, said: Said) -> bool:
    twice, never = harms(run)
    return f"{charges(run)[f'order-{said[1]}'][1]:.1f}" == said[2] and twice >= never


@claim(
    r"Order-(\d+), never: (?:no worker has taken|.* died|.* has held|.* acked|it has been)"
    rf".*? {N} s.*?\.(?= |$)",
    "CardCharges",
)
def _(run: Run, said: Said) -> bool:
    twice, never = harms(run)
    mine = [r for r in run.trace.records if r.message_id.removesuffix("/2") == f"order-{said[1]}"]
    times = {f"{record.time:.1f}" for record in mine}
    return not charges(run)[f"order-{said[1]}"] and said[2] in times and never > twice


@claim(rf"{N} (?:is|are) among the dead letters although (?:it was|they were)", "CardCharges")
def _(run: Run, said: Said) -> bool:
    jobs, charged = run.jobs(), charges(run)
    dead = jobs.loc[jobs["outcome"] == "dead", "message_id"]
    return same(said[1], sum(bool(charged[name.removesuffix("/2")]) for name in dead))


@claim(rf"{N} (?:is|are) not settled after {N} minutes", "CardCharges")
def _(run: Run, said: Said) -> bool:
    open_ = (run.jobs()["outcome"] == "").sum()
    return same(said[1], open_) and same(said[2], run.until / 60)


@claim(rf"Orders by charges: {N} never, {N} once, {N} twice or more", "CardCharges")
def _(run: Run, said: Said) -> bool:
    twice, never = harms(run)
    return (number(said[3]), number(said[1])) == (twice, never)


# Unit 04.


def ended(run: Run) -> float:
    """When the outage was over (s): 0 if there was none in the window, or it lasts beyond."""
    broken, window = run.scenario.broken, run.scenario.window
    return float(broken[1]) if broken and broken[1] < window else 0.0


def per_second(run: Run, event: str, detail: str = "") -> float:
    """How many records of an event there were a second, in the last minute after the outage or,
    if that lasts, in it.
    """
    broken, window = run.scenario.broken, run.scenario.window
    still = broken[0] if broken and broken[0] < window <= broken[1] else 0.0
    since = max(window - 60.0, ended(run), still)
    times = [r.time for r in run.trace.records if r.event == event and r.detail in (detail, None)]
    return sum(int(time) >= since for time in times) / (run.scenario.window - since)


@claim(rf"{N} of {N} orders (died|are dead)(?:, theory {N})?", "CardOutage")
def _(run: Run, said: Said) -> bool:
    redriven = any(record.event == "redriven" for record in run.trace.records)
    right = same(said[1], run.totals["dead"]) and same(said[2], run.totals["sent"])
    theory = said[4] is None or same(said[4], run.theory["dead"])
    return right and theory and (said[3] == "are dead") == redriven


@claim(rf"{N} were redriven", "CardOutage")
def _(run: Run, said: Said) -> bool:
    return same(said[1], sum(record.event == "redriven" for record in run.trace.records))


@claim(rf"(?:At most {N} (?:tries|try) a second|No try was made)( after recovery)?", "CardOutage")
def _(run: Run, said: Said) -> bool:
    seconds = Counter(int(start) for start in run.tries()["start"])
    peak = max((n for second, n in seconds.items() if second >= ended(run)), default=0)
    return number(said[1] or "0") == peak and (said[2] is not None) == (ended(run) > 0)


@claim(rf"{N} done at the end", "CardOutage")
def _(run: Run, said: Said) -> bool:
    return same(said[1], per_second(run, "acked")) and same(said[1], run.totals["goodput_per_s"])


@claim(rf"The cause ended at {N} s, and", "CardOutage")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == ended(run) > 0 and run.scenario.failure_rate == 0


@claim(rf"{N} tries a second (?:still )?get {N} done", "CardOutage")
def _(run: Run, said: Said) -> bool:
    return same(said[1], per_second(run, "started")) and same(said[2], per_second(run, "acked"))


@claim(r"the retries are the load", "CardOutage")
def _(run: Run, said: Said) -> bool:
    broken, window = run.scenario.broken, run.scenario.window
    over = not broken or broken[1] < window or broken[0] >= window
    tries = run.tries()
    last = tries[tries["start"].astype(int) >= max(window - 60.0, ended(run))]
    again = (last["attempt"] > 1).sum()
    late = per_second(run, "finished", "failed: timeout") * (window - max(window - 60, ended(run)))
    return over and again > len(last) / 2 and late > len(last) / 2


@claim(rf"the service answers only {N} a second", "CardOutage")
def _(run: Run, said: Said) -> bool:
    sent = run.totals["sent"] / run.scenario.window
    return number(said[1]) == run.scenario.capacity < 1.15 * sent


@claim(r"calls also fail when there is no outage", "CardOutage")
def _(run: Run, said: Said) -> bool:
    return run.scenario.failure_rate > 0 or run.scenario.poison > 0


@claim(r"The service is still (down|hanging) at the end", "CardOutage")
def _(run: Run, said: Said) -> bool:
    begins, ends = run.scenario.broken
    word = {"down": "down", "hangs": "hanging"}[run.scenario.outage]
    return begins < run.scenario.window <= ends and said[1] == word


@claim(rf"{N} are still being tried", "CardOutage")
def _(run: Run, said: Said) -> bool:
    return same(said[1], run.totals["left"]) and run.totals["left"] > 0
