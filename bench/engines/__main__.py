"""Measure genuine engines, and write notebooks/data/engines.csv and engine_kills.csv anew.

Each engine that is installed is measured in turn; `make engines` installs them.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tqdm import tqdm

from bench.engines.candidates import KILLS, POWER_CUTS, SHOPS, THROUGHPUT, Candidate, machine
from bench.engines.crashes import Crash, killed, power_cut
from bench.engines.shop import books_of, lines
from bench.engines.throughput import ROUNDS, Row, measure

DATA = Path(__file__).parents[2] / "notebooks" / "data"


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, a column for each key of the first."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def chosen(candidates: Sequence[Candidate], engines: Sequence[str]) -> list[Candidate]:
    """Return the candidates that are asked for and installed; say why others are left out."""
    found, told = [], set()
    for each in candidates:
        if engines and each.engine not in engines:
            continue
        if reason := each.missing():
            if reason not in told:
                tqdm.write(f"left out: {reason}")
            told.add(reason)
            continue
        found.append(each)
    return found


def all_throughputs(engines: Sequence[str], about: Row) -> list[Row]:
    """Return the rows of engines.csv."""
    candidates = chosen(THROUGHPUT, engines)
    rows: list[Row] = []
    with tqdm(total=len(candidates) * (ROUNDS + 1), unit="round") as bar:
        for each in candidates:
            bar.set_description(each.engine)
            rows += measure(each, about, bar.update)
    return rows


def all_crashes(
    what: str, crash: Crash, candidates: Sequence[Candidate], engines: Sequence[str], about: Row
) -> list[Row]:
    """Return the rows of engine_kills.csv for one kind of crash."""
    rows = []
    for each in tqdm(chosen(candidates, engines), desc=what, unit="server"):
        try:
            rows.append(crash(each, about))
        except RuntimeError as error:
            tqdm.write(f"left out: {what} of {each.engine}, {each.durability}: {error}")
    return rows


def main() -> None:
    """Measure, write, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument("engines", nargs="*", help="only these, such as redis kafka_log")
    parser.add_argument("--out", type=Path, default=DATA, help="folder for the two CSV files")
    parser.add_argument("--no-crashes", action="store_true", help="only the throughput")
    parser.add_argument("--no-throughput", action="store_true", help="only the crashes")
    parser.add_argument("--shop", action="store_true", help="only the books of unit 03's shop")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)  # before ten minutes of measuring, not after
    if asked.shop:
        for each in tqdm(chosen(SHOPS, asked.engines), desc="shop", unit="engine"):
            tqdm.write("\n".join(lines(books_of(each))))
        return
    about: Row = {"date": date.today().isoformat(), "machine": machine()}
    if not asked.no_throughput and (rows := all_throughputs(asked.engines, about)):
        write(asked.out / "engines.csv", rows)
        print("\n".join(medians(rows)))
    if not asked.no_crashes:
        rows = all_crashes("kill -9", killed, KILLS, asked.engines, about)
        rows += all_crashes("power cut", power_cut, POWER_CUTS, asked.engines, about)
        if rows:
            write(asked.out / "engine_kills.csv", rows)
            for row in rows:
                print(
                    f"{row['engine']:<17} {row['durability']:<40} {row['event']:<10} "
                    f"{row['confirmed']:>7} confirmed, {row['lost']:>7} of them lost, "
                    f"{row['twice']:>4} twice"
                )


def medians(rows: Sequence[Row]) -> list[str]:
    """Return a line for each engine: messages per second and the ratio to the queue in memory."""
    from statistics import median

    lines = [f"{'messages per second (times slower than in memory)':<50}"]
    modes = [(mode, op) for mode in ("batched", "one by one") for op in ("send", "receive")]
    lines.append(f"{'':<17} " + " ".join(f"{mode + ' ' + op:>22}" for mode, op in modes))
    for engine in dict.fromkeys(row["engine"] for row in rows):
        cells = []
        for mode, operation in modes:
            found = [
                row
                for row in rows
                if (row["engine"], row["mode"], row["operation"]) == (engine, mode, operation)
            ]
            speed = median(float(row["per_second"]) for row in found)
            ratio = median(float(row["ratio"]) for row in found)
            cells.append(f"{speed:>12,.0f} ({ratio:>6.1f}×)")
        lines.append(f"{engine:<17} " + " ".join(f"{cell:>22}" for cell in cells))
    return lines


if __name__ == "__main__":
    main()
