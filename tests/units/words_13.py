"""The claims of the lab of unit 13.

The checks count in the records, not with the analysis that the verdict uses.
"""

from mqlearn.study.run import Run
from mqlearn.study.words import format_number, format_seconds
from tests.units.verdicts import claim, number
from tests.units.words_05_06 import N, Said, count

SCENARIOS = ("WatchedShop",)
ONSET, GOAL = 900.0, 60.0  # seconds
FAILS = (
    r"the workers went|the service became slow|the calls began to fail|one kind of order began to "
    r"fail|the handlers stopped doing anything|the producer went down|the failure"
)


def fails(run: Run) -> bool:
    """Return True if a failure begins."""
    return bool(run.scenario.failure != "none" and run.scenario.lasts)


def pages(run: Run) -> list[float]:
    """Return the times (s) of the pages."""
    return [r.time for r in run.trace.records if r.event == "paged"]


def false_pages(run: Run) -> int:
    """Return how many pages came while nothing was wrong."""
    return sum(time < ONSET or not fails(run) for time in pages(run))


def was_on(run: Run) -> bool:
    """Return True if the alarm fired when the failure began."""
    last = [
        r.event for r in run.trace.records if r.event in ("paged", "resolved") and r.time < ONSET
    ]
    return fails(run) and last[-1:] == ["paged"]


def took(run: Run) -> float | None:
    """Return the time (s) from the failure to the first page after it."""
    after = [time - ONSET for time in pages(run) if time >= ONSET]
    return min(after) if after and fails(run) else None


def missed(run: Run) -> int:
    """Return how many orders were not done 60 s after they were sent, of those sent so early that
    this has passed.
    """
    sent = {r.entry: r.time for r in run.trace.records if r.event == "sent"}
    done = {r.entry: r.time for r in run.trace.records if r.event == "acked"}
    late = [e for e in sent if done.get(e, run.until + GOAL) > sent[e] + GOAL]
    return sum(sent[e] + GOAL < run.until for e in late)


@claim(rf"(?<!\w)(no|{N}) false(?: pages?)?(?: in (\d+) calm minutes)?", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    calm = 15 if fails(run) else 25
    return number(said[1]) == false_pages(run) and (said[3] is None or int(said[3]) == calm)


@claim(rf"[Pp]aged (?:after ({N} s)|({N} s) after (?:{FAILS}))", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    seconds = took(run)
    told = said[1] or said[3]
    return seconds is not None and told == format_seconds(seconds)


@claim(rf"Paged at ({N} s); [a-z ]+ for ({N} s)", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    seconds = took(run)
    assert seconds is not None
    after = seconds - run.scenario.lasts
    return (said[1], said[3]) == (format_seconds(seconds), format_seconds(after)) and after > 0


@claim(r"[Nn]ever paged", "WatchedShop")
def _(run: Run, _said: Said) -> bool:
    return not was_on(run) and took(run) is None


@claim(r"The alarm was on already|On before the failure", "WatchedShop")
def _(run: Run, _said: Said) -> bool:
    return was_on(run)


@claim(r"No failure", "WatchedShop")
def _(run: Run, _said: Said) -> bool:
    return not fails(run)


@claim(rf"theory [^=]+= {N} s", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    shop = run.scenario
    slow = shop.failure == "slow service"
    left = shop.workers if slow else shop.workers - round(shop.workers * shop.severity)
    served = left * ((1 - shop.severity) if slow else 1) / 2.5 / shop.rate
    grows = {"depth": shop.rate, "oldest": 1.0}.get(shop.alarm)
    seconds = (
        GOAL + shop.threshold * 0.01 * 300
        if grows is None
        else shop.threshold / grows / (1 - served)
    )
    return said[1] == format_number(seconds + shop.hold)


@claim(rf"{N} orders? missed the goal of 60 s, {N} died", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    return (number(said[1]), number(said[2])) == (missed(run), count(run, "dead"))


@claim(rf"{N} orders? acked and never charged", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == count(run, "acked") - count(run, "effect")


@claim(rf"{N} pages? while nothing was wrong", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    return number(said[1]) == false_pages(run)


@claim(
    rf"the first since the failure came ({N} s) after it|none came since the failure", "WatchedShop"
)
def _(run: Run, said: Said) -> bool:
    seconds = took(run)
    return said[1] == (None if seconds is None else format_seconds(seconds))


@claim(rf"Error budget: {N} of {N} orders missed their deadline", "WatchedShop")
def _(run: Run, said: Said) -> bool:
    return abs(number(said[1]) - missed(run)) <= run.scenario.rate * run.scenario.every * 3
