"""The figures that notebook 07 and its notes for instructors state in prose, and the flight
day's.
"""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from mqlearn import Message, Simulation, TopicBasedMessageBroker, Trace
from mqlearn.study.analysis.fan_outs import FanOutAnalysis
from mqlearn.study.arrivals import flight_file
from mqlearn.units.publish_subscribe.scenario import FanOut

PRESETS = FanOut.PRESETS


def flights() -> list[tuple[float, str]]:
    """When (s) and on which topic each flight of the good day is published; a cancellation at its
    scheduled time.
    """
    with flight_file("2013-12-02").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        (
            float(row["departure"] or row["scheduled_departure"]),
            ("departures." if row["departure"] else "cancelled.") + row["origin"],
        )
        for row in rows
    ]


def audited(topic: str = "*.*", limit: int = 10_000) -> Trace:
    """The day as it is heard by an auditor who takes a minute a flight, and by a board that takes
    no time.
    """
    with Simulation() as sim:
        trace = Trace()
        broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
        broker.subscribe(topic, lambda _: sim.sleep(60.0), name="auditor", max_size=limit)
        broker.subscribe("departures.*", lambda _: None, name="board")
        for number, (time, on) in enumerate(flights(), 1):
            message = Message(id=f"flight-{number}", ttl=86_400)
            sim.call_at(time, lambda on=on, message=message: broker.publish(on, message))  # type: ignore[misc]
        sim.run()
        return trace


def test_the_day_is_published_to_six_topics() -> None:
    """312, 333 and 356 departures in December, and three cancellations."""
    assert Counter(topic for _, topic in flights()) == {
        "departures.JFK": 312,
        "departures.LGA": 333,
        "departures.EWR": 356,
        "cancelled.EWR": 1,
        "cancelled.LGA": 2,
    }


def test_the_auditor_is_68_behind_at_one_past_eight() -> None:
    """All 1,004 are heard in the end, more than an hour late at the worst; the board is never
    behind.
    """
    story = FanOutAnalysis(audited().records)
    times, behind = story.behind("auditor")
    assert behind.max() == 68 and times[behind.argmax()] == 20 * 3600 + 60
    assert story.outcomes("auditor")["heard"] == 1004 and story.outcomes("board")["heard"] == 1001
    assert story.behind("board")[1].max() == 0


@pytest.mark.parametrize(("topic", "refused"), [("*.*", 78), ("departures.*", 77)])
def test_room_for_twenty_refuses_78(topic: str, refused: int) -> None:
    """78 of all messages, 77 of the departures alone; none at the board."""
    trace = audited(topic, limit=20)
    assert trace.balance("auditor").rejected == refused and trace.balance("board").rejected == 0


@pytest.mark.parametrize(("retries", "dead"), list(enumerate((230, 84, 38, 19, 7))))
def test_four_retries_bring_the_broken_webhook_under_ten(retries: int, dead: int) -> None:
    """Close to 590·0.4ⁿ⁺¹."""
    assert (
        FanOut(**{**PRESETS["the broken webhook"], "retries": retries}).run(0).totals["dead"]
        == dead
    )
    assert dead == pytest.approx(590 * 0.4 ** (retries + 1), abs=12)


def test_the_slow_auditor_loses_430_from_the_twelfth_second_on() -> None:
    """The first is refused at 11.4 s."""
    run = FanOut(**PRESETS["the slow auditor"]).run(0)
    refused = [record.time for record in run.trace.records if record.event == "rejected"]
    assert len(refused) == 430 and refused[0] == pytest.approx(11.4, abs=0.05)


def test_the_broken_webhook_delayed() -> None:
    """One retry, over two minutes: 184 of 1,196 die, and 277 are heard after a later one."""
    run = FanOut(**{**PRESETS["the broken webhook"], "retry": "delayed", "window": 120.0}).run(0)
    assert (run.totals["published"], run.totals["dead"], run.totals["overtaken"]) == (
        1196,
        184,
        277,
    )


def test_seeds_scatter_around_theory() -> None:
    """Audit is 514 to 560 behind in four of them, 540 expected."""
    assert [FanOut().run(seed).totals["behind"] for seed in range(4)] == [531, 560, 556, 514]
