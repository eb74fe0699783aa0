"""Chaos from the command line: `python -m tests.chaos 1234` shows one day again, `--days 2000`
lives through many.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.chaos.day import draw_day
from tests.chaos.rules import Broken, chaos
from tests.command_line import count

CHUNK = 25  # days that a process is given at a time


def judged(seed: int) -> tuple[str, Counter[str]]:
    """What is wrong with the day of this seed, "" for nothing, and the records it made."""
    try:
        return "", chaos(seed)
    except Broken as broken:
        return f"seed {seed}: {broken}", Counter()


def replay(seed: int) -> bool:
    """Print the day of this seed and what became of it; True if it kept the rules."""
    wrong, met = judged(seed)
    print(f"the day of seed {seed}, all times in seconds:\n{draw_day(seed)}\n")
    print(
        wrong
        or "It keeps every rule: "
        + ", ".join(f"{count} {event}" for event, count in met.most_common())
    )
    return not wrong


def live_through(first: int, days: int) -> bool:
    """Print each day that breaks a rule, and in the end how many there were; True if none did."""
    broken, met = 0, Counter[str]()
    with ProcessPoolExecutor() as pool:
        for wrong, events in pool.map(judged, range(first, first + days), chunksize=CHUNK):
            met += events
            if wrong:
                broken += 1
                print(wrong, flush=True)
    print(
        f"{days:,} random days, seeds {first} to {first + days - 1}, {met.total():,} records: "
        f"{broken} broke a rule"
    )
    return not broken


def main() -> None:
    """Read the command line; exit with 1 if a rule was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Random days, held to the rules."
    )
    parser.add_argument("seed", type=int, nargs="?", help="see this one day again")
    parser.add_argument("--days", type=count, default=2000, help="how many (2000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    given = parser.parse_args()
    sys.exit(
        0
        if (replay(given.seed) if given.seed is not None else live_through(given.first, given.days))
        else 1
    )


if __name__ == "__main__":
    main()
