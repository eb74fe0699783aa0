"""When work arrives: two recorded days of flights, a class's own recording, or a formula.

    flight_day        departures from New York on a good and a bad day, by timetable or as flown
    read_arrivals     a CSV file or a table that a class has recorded, checked line by line
    poisson, regular  arrivals at random, and at equal intervals; by_pattern has both by name

A time is in seconds since the start of the recording (for a flight day: since midnight in New
York), and arrivals are always in the order of time.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mqlearn.messaging.message import MessagePriority
from mqlearn.runtime import check
from mqlearn.study.data_files import data_file
from mqlearn.study.words import format_count

if TYPE_CHECKING:
    import pandas as pd

    Source = str | os.PathLike[str] | IO[str] | pd.DataFrame | Iterable[float]

DAYS = ("2013-12-02", "2013-07-10")
COLUMNS = ("time", "size", "key", "priority")
LONGEST_PATH = 4096  # characters
# Stricter than float(), which accepts "1_000", "nan" and "inf": in a recording they are mistakes.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One arrival: its `time` in seconds, its `size`, the `key` it belongs to, if any, and its
    `priority`.

    The unit of `size` is whatever the recorder counted; it is 1 where nothing was.
    """

    time: float
    size: float = 1.0
    key: str | None = None
    priority: MessagePriority = MessagePriority.NORMAL


def poisson(rate: float, until: float, draw: Callable[[str, int], float]) -> list[float]:
    """Return the times (s) of arrivals at random, `rate` per second, up to and including `until`
    seconds: a Poisson process, whose gaps are -ln(1 - u) / rate.

    `draw("gap", i)` gives the number u in [0, 1) for the gap before arrival i = 1, 2, …, as
    `runtime.draw` does. Each gap has a draw of its own, so a later `until` only adds arrivals, and
    twice the `rate` brings the same arrivals in half the time.
    """
    rate, until = _checked(rate, until)
    check.function("draw", draw)
    times: list[float] = []
    # The sum is kept at a rate of one per second and each time is scaled once, so that the rounding
    # of a division does not add up from gap to gap.
    expected = 0.0
    while rate > 0:
        expected -= math.log1p(-draw("gap", len(times) + 1))
        if expected / rate > until:
            break
        times.append(expected / rate)
    return times


def regular(rate: float, until: float) -> list[float]:
    """Return the times (s) of arrivals at equal intervals, `rate` per second: i / rate for i = 1,
    2, …, up to and including `until` seconds.
    """
    rate, until = _checked(rate, until)
    # 0.7 × 90 is 62.999… in floats and must be 63 arrivals, the last of them not after the end.
    count = math.floor(rate * until * (1 + 1e-12))
    return [min(i / rate, until) for i in range(1, count + 1)]


def by_pattern(
    pattern: str, rate: float, until: float, draw: Callable[[str, int], float]
) -> list[float]:
    """Return the times (s) of arrivals by the name of their `pattern`, "poisson" or "regular",
    `rate` per second, up to and including `until` seconds.
    """
    check.one_of("pattern", pattern, ("poisson", "regular"))
    return poisson(rate, until, draw) if pattern == "poisson" else regular(rate, until)


def _checked(rate: float, until: float) -> tuple[float, float]:
    return check.number("rate", rate, low=0), check.number("until", until, low=0)


def flight_day(day: str, which: str) -> list[float]:
    """Return the departures from New York's three airports on one day, in seconds since local
    midnight, sorted.

    `day` is "2013-12-02" (a good day) or "2013-07-10" (a bad one). With `which` = "timetable" the
    times are the scheduled ones of all 1,004 flights, cancelled flights included. With "actual"
    they are the times at which the 1,001 or 883 flights left that were not cancelled, because the
    recording has no time for a cancellation. A flight that left after midnight has a time beyond
    86,400. Source: US Bureau of Transportation Statistics, see notebooks/data/README.md.

    Raises ValueError for another day or kind, FileNotFoundError where there is no notebooks/data/.
    """
    check.one_of("day", day, DAYS)
    check.one_of("which", which, ("timetable", "actual"))
    column = "scheduled_departure" if which == "timetable" else "departure"
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        return sorted(float(row[column]) for row in csv.DictReader(lines) if row[column])


def flight_file(day: str) -> Path:
    """Return the path of the CSV file with the flights of `day`: in the clone of the project, or
    below the current folder.
    """
    check.one_of("day", day, DAYS)
    return data_file(f"flights_{day}.csv")


class Recording(tuple[Arrival, ...]):
    """Arrivals in the order of time, and the `name` of what they were read from: `repr` is the call
    that reads them again. `times` are in seconds since the first of them.
    """

    name: str = "times"

    @property
    def times(self) -> list[float]:
        """When each comes (s): 0 for the first."""
        return [arrival.time - self[0].time for arrival in self]

    def __repr__(self) -> str:
        return f"read_arrivals({self.name})"


def read_arrivals(source: Source) -> Recording:
    """Return the arrivals of a CSV file (a path, or a file opened as text), of a pandas DataFrame
    with the same columns, or of a list of times, sorted by time.

    The first line names the columns, in any order, in upper or lower case. `time` is required, in
    seconds, 0 or more. The others are optional: `size` is positive, 1 where blank; `key` is any
    text, None where blank; `priority` is LOW, NORMAL, HIGH or CRITICAL in upper or lower case,
    NORMAL where blank. Fields are separated by commas, the text is UTF-8 (a byte order mark is
    allowed), empty lines are skipped. Lines need not be in order of time; lines with the same time
    keep their order. In a DataFrame a missing value is blank, and `time` may be its index.

    Raises ValueError for anything else, also for an unknown column, so that a misspelt name is
    noticed. The error names the line (of a DataFrame or list the row, from 1), the column, what was
    expected there and what was found.
    """
    rows, name = _table(source)
    where, header = next(rows, ("line 1", []))
    columns = _columns(where, header)
    arrivals = [
        _arrival(where, dict(zip(columns, row, strict=True)))
        for where, row in rows
        if _has_width(where, row, columns)
    ]
    if not arrivals:
        kind, _, number = where.rpartition(" ")
        raise _refused(f"{kind} {int(number) + 1}", "time", "at least one arrival", None)
    found = Recording(sorted(arrivals, key=lambda arrival: arrival.time))
    found.name = name
    return found


def _table(source: Any) -> tuple[Iterator[tuple[str, list[str]]], str]:
    """Return the rows of a source, the header first, each with its place; and the source's name."""
    if isinstance(source, str | os.PathLike):
        return _rows(_text(source)), repr(os.fspath(source))
    if hasattr(source, "read"):
        path = getattr(source, "name", None)
        return _rows(_text(source)), repr(path) if isinstance(path, str) else "file"
    if hasattr(source, "columns") and hasattr(source, "itertuples"):
        if source.index.name is not None and str(source.index.name).lower() == "time":
            source = source.reset_index()
        columns: Iterable[Any] = source.columns
        return _values(columns, source.itertuples(index=False, name=None)), "frame"
    check.instance("source", source, Iterable)
    return _values(["time"], ((time,) for time in source)), "times"


def _values(columns: Iterable[Any], rows: Iterable[Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield names and values as the texts that a CSV file would have; missing values are blank."""
    yield "row 0", [str(column).strip() for column in columns]
    for number, row in enumerate(rows, 1):
        yield f"row {number}", ["" if _is_missing(each) else str(each).strip() for each in row]


def _is_missing(value: Any) -> bool:
    # without pandas, which need not be installed for a list: its NaN is a float, or has a name
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, Real) and math.isnan(value))
    )


def _text(source: Any) -> str:
    if not isinstance(source, str | os.PathLike):
        text = source.read()
        if not isinstance(text, str):
            kind = type(text).__name__
            raise TypeError(f"source must be a path or a file opened as text, got a file of {kind}")
        return text.removeprefix("\ufeff")
    if len(os.fspath(source)) > LONGEST_PATH or "\n" in str(source):
        raise ValueError(
            f"source must be a path, got {check.short_repr(source)}; a text is read by "
            "read_arrivals(io.StringIO(text))"
        )
    return decode(Path(source).read_bytes())


def decode(data: bytes) -> str:
    """Return the text of a CSV file; raise ValueError with the line if it is not UTF-8."""
    check.instance("data", data, bytes)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Some spreadsheets save Latin-1. Python's own error would name a byte, not a line.
        line = data[: error.start].count(b"\n") + 1
        found = f"the byte 0x{data[error.start]:02x}"
        raise ValueError(f"line {line}: expected text in UTF-8, got {found}") from None


def _rows(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the line where a row begins, and the row's fields without spaces
    around them, for each row that is not empty. A quoted field may span several lines.
    """
    reader = csv.reader(io.StringIO(text, newline=None), strict=True)
    begins = 1
    try:
        for row in reader:
            fields = [value.strip() for value in row]
            if len(fields) > 1 or any(fields):
                yield f"line {begins}", fields
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"line {begins}: expected comma-separated values, got none ({error})"
        ) from None


def _columns(where: str, header: list[str]) -> list[str]:
    """Return the names of the columns in lower case; raise ValueError for a wrong header."""
    names = [name.lower() for name in header]
    if "time" not in names:
        raise _refused(
            where, "time", "a header with this name, commas between columns", ",".join(header)
        )
    for index, name in enumerate(names):
        if name not in COLUMNS:
            raise _refused(
                where, str(index + 1), f"one of the names {', '.join(COLUMNS)}", header[index]
            )
        if name in names[:index]:
            raise _refused(where, name, "each column once", ",".join(header))
    return names


def _has_width(where: str, row: list[str], columns: list[str]) -> bool:
    """Return True, or raise ValueError for a row with more or fewer fields than columns."""
    width = format_count(len(columns), "column")
    if len(row) > len(columns):
        raise _refused(where, str(len(columns) + 1), f"{width} as in the header", row[len(columns)])
    if len(row) < len(columns):
        raise _refused(where, columns[len(row)], f"{width} as in the header", None)
    return True


def _arrival(where: str, row: dict[str, str]) -> Arrival:
    time = _number(where, "time", row["time"], "seconds, a number that is not negative")
    if time < 0:
        raise _refused(where, "time", "seconds, a number that is not negative", row["time"])
    size = _number(where, "size", row.get("size") or "1", "a positive number")
    if size <= 0:
        raise _refused(where, "size", "a positive number", row["size"])
    urgency = row.get("priority") or "NORMAL"
    if urgency.upper() not in MessagePriority.__members__:
        raise _refused(where, "priority", "LOW, NORMAL, HIGH or CRITICAL", urgency)
    return Arrival(time, size, row.get("key") or None, MessagePriority[urgency.upper()])


def _number(where: str, column: str, found: str, expected: str) -> float:
    if not _NUMBER.fullmatch(found) or not math.isfinite(float(found)):
        raise _refused(where, column, expected, found)
    return float(found) + 0.0  # a time of -0 is 0


def _refused(where: str, column: str, expected: str, found: str | None) -> ValueError:
    return ValueError(
        f"{where}, column {column}: expected {expected}, got "
        f"{'nothing' if not found else check.short_repr(found)}"
    )
