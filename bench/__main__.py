"""All measurements: first as ratios, which are much the same on any machine, then in units of time
and memory on this one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bench import brokers, labs, queues, scaling, simulations, streams

SECTIONS: tuple[Callable[[], list[str]], ...] = (
    queues.against_a_heap,
    brokers.fan_out,
    simulations.against_simulators,
    labs.answers,
    queues.prices,
    simulations.growth,
    scaling.overhead,
    queues.growth,
    streams.against_a_list,
    streams.on_three_brokers,
    streams.growth,
)


def main() -> None:
    """Print each section as soon as it is measured."""
    argparse.ArgumentParser(prog="python -m bench", description=__doc__).parse_args()
    print("Medians of interleaved repeats, on this machine, Python's garbage collector running.\n")
    for section in SECTIONS:
        print("\n".join(section()), flush=True)
        print()


if __name__ == "__main__":
    main()
