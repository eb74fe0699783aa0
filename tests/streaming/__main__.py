"""`python -m tests.streaming`: live through random histories of the log and its groups, and check
every rule.
"""

from __future__ import annotations

import argparse
import logging
import sys

from tests.command_line import count
from tests.streaming.history import faults, play


def main() -> int:
    """The exit code: 1 if a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.streaming", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=count, default=1000, help="how many histories")
    asked = parser.parse_args()
    # the listeners and hooks that fail on purpose
    logging.getLogger("mqlearn").setLevel(logging.CRITICAL)
    events = deaths = evicted = reports = 0
    for seed in range(asked.first, asked.first + asked.count):
        history = play(seed)
        if wrong := faults(history):
            print(f"seed {seed}: {wrong[0]}")
            print(f"  replay: python -m tests.streaming --first {seed} --count 1")
            return 1
        events += len(history.told)
        deaths += history.deaths
        reports += history.reports
        evicted += sum(record.event == "evicted" for record in history.records)
    print(
        f"{asked.count:,} histories of the log, {events:,} events, {deaths:,} deaths, "
        f"{evicted:,} evictions, {reports:,} failures of handed-in code reported: every rule holds"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
