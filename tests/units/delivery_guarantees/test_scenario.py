"""Unit 03: how often a card is charged, against arithmetic; each fault, each remedy, what the
verdict says.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from statistics import mean

import pytest

from mqlearn.study.analysis.charges import charges_by_order, expected_charges, order_of
from mqlearn.units.delivery_guarantees.scenario import FIRST, ORDERS, POINTS, WORKERS, CardCharges

SEEDS = range(6)
CALM = CardCharges(crash_rate=0.0)
SHORT = CardCharges(**CardCharges.PRESETS["lease too short"])
BEATING = CardCharges(**CardCharges.PRESETS["stuck but beating"])


@cache
def totals(scenario: CardCharges, seed: int) -> dict[str, float]:
    """What came of a run that is asked about more than once."""
    return dict(scenario.run(seed).totals)


def counted(scenario: CardCharges, name: str) -> list[float]:
    """One total of six runs."""
    return [totals(scenario, seed)[name] for seed in SEEDS]


def near(found: list[float], share: float) -> bool:
    """Whether counts of independent orders agree with a share of them, within three standard
    errors.
    """
    error = math.sqrt(ORDERS * share * (1 - share) / len(found))
    return abs(mean(found) - ORDERS * share) < 3 * error


def test_a_lease_shorter_than_the_work() -> None:
    """Work of 2 to 14 s under a lease of 10 s: 33 % twice or more, 1.48 charges an order, 1.2 %
    dead though charged.
    """
    assert near(counted(SHORT, "twice"), 1 / 3)
    assert near(counted(SHORT, "dead_but_charged"), 1 / 81)
    charges = [value / ORDERS for value in counted(SHORT, "charges")]
    shares = expected_charges(0.0, 1.0, 1 / 3, 4, 0.0)
    expected = sum(n * share for n, share in enumerate(shares))
    variance = sum(n * n * share for n, share in enumerate(shares)) - expected**2
    assert expected == pytest.approx(1.48, abs=0.002)
    assert mean(charges) == pytest.approx(
        expected, abs=3 * math.sqrt(variance / ORDERS / len(charges))
    )
    assert set(counted(SHORT, "never")) == {0}


def test_a_crash_between_the_charge_and_the_ack() -> None:
    """1 % of 1,000: about ten pay twice, nobody never; with the ack first about ten never pay."""
    assert near(counted(CardCharges(), "twice"), 0.01) and set(counted(CardCharges(), "never")) == {
        0
    }
    first = CardCharges(**CardCharges.PRESETS["ack first"])
    assert near(counted(first, "never"), 0.01) and set(counted(first, "twice")) == {0}
    assert counted(first, "done") == [ORDERS] * len(SEEDS), "to the queue all is well"
    forgets = replace(first, crash_point=POINTS[2])
    assert counted(forgets, "never") == counted(first, "never")


def test_a_crash_does_harm_only_between_the_charge_and_the_ack() -> None:
    """Before the charge the next try makes up for it, after the ack nothing is left to be done."""
    for point in (POINTS[0], POINTS[2]):
        run = CardCharges(crash_rate=0.1, crash_point=point).run(0)
        died = sum(r.detail == "crashed" for r in run.trace.records if r.event == "finished")
        assert (
            run.totals["twice"] == 0
            and run.totals["never"] <= 1
            and run.totals["dead_but_charged"] == 0
        )
        assert (died > 50) == (point == POINTS[0])


def test_a_lost_ack_and_a_lost_confirm() -> None:
    """Each charges its share of the orders again; the second message of an order is another
    message.
    """
    assert near(counted(replace(CALM, lost_acks=0.1), "twice"), 0.1)
    unsure = CardCharges(**CardCharges.PRESETS["the confirm that never came"])
    assert near(counted(unsure, "twice"), 0.05)
    run = unsure.run(0)
    assert run.totals["sent"] == ORDERS + run.totals["twice"] == run.totals["charges"]
    twice = [
        charges for charges in charges_by_order(run.trace.records).values() if len(charges) == 2
    ]
    assert all(
        {c.message_id for c in pair}
        == {order_of(pair[0].message_id), f"{order_of(pair[0].message_id)}/2"}
        for pair in twice
    )


@pytest.mark.parametrize(
    "scenario",
    [
        CardCharges(crash_rate=0.2),
        CardCharges(crash_rate=0.2, crash_point=POINTS[0]),
        SHORT,
        CardCharges(crash_rate=0.1, lost_acks=0.2, lost_confirms=0.1, lease=8.0),
        CardCharges(ack=FIRST, crash_rate=0.1, crash_point=POINTS[0], lost_acks=0.2),
    ],
    ids=["after", "before", "late", "all", "ack first"],
)
def test_theory_is_met(scenario: CardCharges) -> None:
    """Orders charged 0, 1, 2 times or more, over six seeds, within three standard errors of the
    arithmetic.
    """
    theory = scenario.run(0).theory["charges"]
    assert sum(theory) == pytest.approx(ORDERS)
    assert near(counted(scenario, "never"), theory[0] / ORDERS) or theory[0] == 0 == max(
        counted(scenario, "never")
    )
    assert near(counted(scenario, "twice"), theory[2] / ORDERS) or theory[2] == 0 == max(
        counted(scenario, "twice")
    )


def test_a_heartbeat_keeps_the_lease_while_the_work_goes_on() -> None:
    """Faster than the lease it ends all doubles; slower it is of no use, and nothing is left over
    of it.
    """
    assert counted(replace(SHORT, heartbeat=4.0), "twice") == [0] * len(SEEDS)
    idle = replace(SHORT, heartbeat=11.0).run(0)
    assert idle.totals == totals(SHORT, 0)
    crashing = replace(SHORT, heartbeat=4.0, crash_rate=0.05).run(0)
    assert crashing.totals["done"] + crashing.totals["dead"] == ORDERS, (
        "no heartbeat outlives its worker"
    )


def test_stuck_but_beating() -> None:
    """A stuck worker that beats keeps its order for good; one that stops beating, or never did,
    gives it back.
    """
    run = BEATING.run(0)
    assert run.totals["never"] == run.totals["left"] == 8 and run.until == 900.0
    assert run.verdict.endswith("8 are not settled after 15 minutes.")
    for mended in (replace(BEATING, beat_limit=20.0), replace(BEATING, heartbeat=0.0, lease=30.0)):
        totals = mended.run(0).totals
        assert totals["never"] == 0 and totals["done"] == ORDERS
    assert WORKERS - 8 > 8 / 0.6, "the others keep up: mean work over mean spacing"


def test_the_window_outlasts_the_horizon_or_not() -> None:
    """A key that is remembered as long as a message can come back lets nothing through; half a
    lease does.
    """
    for faults in (
        SHORT,
        CardCharges(crash_rate=0.1),
        CardCharges(crash_rate=0.0, lost_confirms=0.1),
    ):
        assert replace(faults, dedup_window=300.0).run(0).totals["twice"] == 0
    assert replace(CardCharges(crash_rate=0.1), dedup_window=15.0).run(0).totals["twice"] > 50


def test_the_verdict_says_why() -> None:
    """How many, how many never, and the cause of the first; a prediction is answered."""
    said = CardCharges(prediction=10).run(0).verdict
    assert said == (
        "14 of 1,000 orders charged twice or more, 0 never. Order-26, again at 57.1 s: "
        "worker-25 died at "
        "19.5 s before the ack. You said 10, it is 14."
    )
    assert (
        "Order-3, again at 15.3 s: its lease ended at 11.9 s, worker-2 still at work. 14 are among "
        "the dead " in (SHORT.run(0).verdict)
    )
    assert (
        "Order-13, again at 40.3 s: its ack was lost at 18.1 s."
        in replace(CALM, lost_acks=0.1).run(0).verdict
    )
    assert CALM.run(0).verdict == "0 of 1,000 orders charged twice or more, 0 never."
    assert (
        "no confirm came, so it was sent again." in replace(CALM, lost_confirms=0.05).run(0).verdict
    )


@pytest.mark.parametrize(
    ("preset", "field", "found"),
    [
        ("lease too short", "lease", {10.0: 317, 12.0: 176, 13.0: 86, 14.0: 0}),
        (
            "the confirm that never came",
            "dedup_window",
            {0.0: 59, 5.0: 29, 10.0: 9, 15.0: 2, 20.0: 0},
        ),
        ("the confirm that never came", "lease", {60.0: 59}),
        ("stuck but beating", "beat_limit", {0.0: 0, 5.0: 0}),
    ],
)
def test_the_key_to_the_labs_questions(preset: str, field: str, found: dict[float, int]) -> None:
    """What the notes for instructors say of each preset, its slider moved: orders charged twice or
    more.
    """
    base = CardCharges(**CardCharges.PRESETS[preset])
    assert {
        value: replace(base, **{field: value}).run(0).totals["twice"] for value in found
    } == found  # type: ignore[arg-type]


def test_half_of_all_workers_die() -> None:
    """It harms nobody only after the ack; with a short lease a short limit on beating doubles what
    is slow.
    """
    rows = [CardCharges(crash_rate=0.5, crash_point=point).run(0).totals for point in POINTS]
    assert [(row["never"], row["twice"]) for row in rows] == [(53, 0), (0, 483), (0, 0)]
    limits = [
        replace(BEATING, lease=5.0, beat_limit=limit).run(0).totals["twice"]
        for limit in (5.0, 10.0, 15.0)
    ]
    assert limits == [404, 85, 0]


def test_work_that_ends_before_it_begins_is_refused() -> None:
    """The longest work is at least as long as the shortest."""
    with pytest.raises(
        ValueError, match=r"longest must be at least shortest, which is 2 s, got 1\.0"
    ):
        CardCharges(longest=1.0)
