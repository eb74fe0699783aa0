"""`python -m tests.replication`: live through random days of a replicated log, and check the rules.

With acks "all" no acknowledged value may be lost; `--acks 1` shows how many are.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from mqlearn.study.analysis.promises import PromiseAnalysis
from tests.command_line import count
from tests.replication.day import draw_day, happened, play
from tests.replication.rules import mistakes

CHUNK = 25  # days that a process is given at a time


@dataclass
class Judged:
    """What became of a day: what is wrong with it, and its counts."""

    seed: int
    wrong: list[str]
    lost: int
    counts: Counter[str]


def judged(seed: int, acks: str | int) -> Judged:
    """Live through the day of this seed."""
    seen = play(draw_day(seed, acks))
    counts, lost = happened(seen), 0
    if seen.log is not None:
        promises = PromiseAnalysis(seen.told, seen.log, seen.read)
        counts["sent"], counts["yes"] = promises.sent, promises.acknowledged
        lost = len(promises.lost)
    return Judged(seed, mistakes(seen) if acks == "all" else [], lost, counts)


def replay(seed: int, acks: str | int) -> int:
    """Print the day of this seed and what became of it; return the exit code."""
    day = judged(seed, acks)
    print(f"the day of seed {seed}, all times in seconds:\n{draw_day(seed, acks)}\n")
    print("\n".join(day.wrong) or f"{day.counts['yes']} acknowledged, {day.lost} of them lost")
    return int(bool(day.wrong))


def days(first: int, many: int, acks: str | int, processes: int | None) -> Iterator[Judged]:
    """Live through these days, in several processes at once."""
    seeds = range(first, first + many)
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(judged, seeds, [acks] * many, chunksize=CHUNK)


def main() -> int:
    """Read the command line; return the exit code: 1 if a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.replication", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="see this one day again")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--count", type=count, default=1000, help="how many days (1000)")
    parser.add_argument("--acks", choices=("all", "1"), default="all", help="all, or 1")
    parser.add_argument("--processes", type=count, help="how many at once (one for each core)")
    asked = parser.parse_args()
    acks = asked.acks if asked.acks == "all" else 1
    if asked.seed is not None:
        return replay(asked.seed, acks)
    counts, broken, lost, with_losses = Counter[str](), 0, 0, 0
    for day in days(asked.first, asked.count, acks, asked.processes):
        counts += day.counts
        lost, with_losses = lost + day.lost, with_losses + bool(day.lost)
        if day.wrong:
            broken += 1
            print(f"seed {day.seed}: {day.wrong[0]}", flush=True)
    faults = ", ".join(
        f"{counts[event]:,} {name}"
        for event, name in (
            ("killed", "kills"),
            ("power_cut", "power cuts"),
            ("cut_off", "partitions"),
            ("elected", "elections"),
            ("truncated", "truncations"),
        )
    )
    # "sent" and "yes" are counts of values, not records
    records = counts.total() - counts["sent"] - counts["yes"]
    print(
        f"{asked.count:,} days of a replicated log, acks={acks}: {faults}, {records:,} records; "
        f"{counts['sent']:,} sent, {counts['yes']:,} acknowledged, {lost:,} of them lost on "
        f"{with_losses:,} days; {broken} days broke a rule"
    )
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
