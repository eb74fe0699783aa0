"""No verdict, headline or chart of a lab lies, whatever its controls say."""

from typing import Any

import numpy as np
import pytest

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.dashboard import PAD, Dashboard, headline
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.messaging.message import Message
from mqlearn.runtime.base import WorkerCrash
from mqlearn.study.arrivals import read_arrivals
from mqlearn.study.run import Run
from mqlearn.units import scenarios
from mqlearn.units.circuit_breaker.scenario import GuardedCalls
from mqlearn.units.delivery_guarantees.scenario import CardCharges
from mqlearn.units.messages_and_queues.by_hand import run_workers
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from mqlearn.units.publish_subscribe.scenario import FanOut
from mqlearn.units.retries_and_dead_letters.scenario import CardOutage
from mqlearn.units.start_here.scenario import FailingWork
from mqlearn.units.work_queues.scenario import WorkQueue
from tests.units import (
    words_00_02,
    words_03_04,
    words_05_06,
    words_07_10,
    words_11,
    words_12,
    words_13,
    words_14,
)
from tests.units.verdicts import lies, settings

HELD = (
    *words_00_02.SCENARIOS,
    *words_03_04.SCENARIOS,
    *words_05_06.SCENARIOS,
    *words_07_10.SCENARIOS,
    *words_11.SCENARIOS,
    *words_12.SCENARIOS,
    *words_13.SCENARIOS,
    *words_14.SCENARIOS,
)
CASES = [(name, label) for name in HELD for label in settings(scenarios()[name])]
each_case = pytest.mark.parametrize(("name", "setting"), CASES, ids=str)


CANVAS = Canvas(RIGHT, PICTURE_HEIGHT)


def is_cut(title: str) -> bool:
    """Return True if the two lines over the charts of a lab have no room for its title."""
    lines = CANVAS.wrap(title, RIGHT - 2 * PAD, lines=2, size=style.TITLE, bold=True)
    return lines[-1].endswith("…")


@each_case
def test_no_lab_lies_at_the_ends_of_its_controls(name: str, setting: str) -> None:
    """Each number said is the run's, each checking word is true of it, none is unknown; and the
    title is not cut.
    """
    kind = scenarios()[name]
    run = kind(**settings(kind)[setting]).run(seed=0)
    assert lies(run) == []
    assert not is_cut(headline(run)), run.headline


def test_the_longest_title_is_not_cut() -> None:
    """Where every kind of loss meets; a longer one would be."""
    run = FanOut(
        rate=30.0,
        queue_limit=20,
        retry="delayed",
        retries=1,
        mail_time=1.0,
        parcel_time=0.2,
        audit_time=0.5,
        mail_fails=0.5,
        parcel_fails=0.6,
        audit_fails=0.3,
    ).run(seed=0)
    assert run.headline == (
        "1,791 orders: mail, parcel and audit are 21 behind. 72 dead letters, 4,991 lost, 65 "
        "out of order."
    )
    assert not is_cut(headline(run)) and is_cut(2 * headline(run))


def test_every_lab_is_held() -> None:
    """A new scenario needs its claims."""
    assert set(HELD) == set(scenarios())


def drawn(run: Run, name: str) -> Any:
    """The chart of this name of a run, drawn."""
    board = Dashboard([name])
    board.draw(run)
    return board.charts[0]


@pytest.mark.parametrize(
    ("rate", "expected", "label"),
    [(0.0, "0", "theory 0"), (0.01, "about 0", "theory about 0"), (1.0, "1,000", "theory 1,000")],
)
def test_unit_00_writes_a_number_alike_in_its_verdict_and_its_chart(
    rate: float, expected: str, label: str
) -> None:
    """Without an exponent, and without a fraction that is none."""
    run = FailingWork(failure_rate=rate).run(seed=0)
    assert f"; {expected} are expected " in run.verdict
    assert drawn(run, "dead").marks.theory_label.text == label


def test_unit_01_says_how_few_were_served_and_its_chart_marks_the_bar_as_cut() -> None:
    """The mean of 2 of 216 is the shortest of all, and says nothing of the others."""
    run = PriorityMix(service=5.0).run(seed=0)
    assert run.verdict.startswith("2 of 216 LOW were served, CRITICAL waits 3.68 s: ")
    assert "0.667" not in run.verdict + run.headline
    chart = drawn(run, "wait_by_priority")
    assert [text.text for text in chart.bars.numbers] == [
        "3.68 s",
        "10.9 s",
        "432 s",
        "2 of 216",
        "264 s",
    ]
    assert len(chart.bars.cut.get_paths()) == 3  # NORMAL, LOW and all
    assert chart.bars.values["LOW"] == 0.0 and chart.title.text.endswith("hatched: of those served")
    assert "LOW 2 of 216 served" in chart.sentence(ChartData(run))


class ForgetfulQueue:
    """A queue that forgets what it hands out."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []

    def __len__(self) -> int:
        return len(self.waiting)

    def send(self, message: Message) -> None:
        self.waiting.append(message)

    def receive(self) -> Message | None:
        return self.waiting.pop(0) if self.waiting else None


class KeepingQueue(ForgetfulQueue):
    """A queue that keeps what it hands out until the ack."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: dict[str, Message] = {}
        self.dead: list[Message] = []

    def receive(self) -> Message | None:
        message = super().receive()
        if message is not None:
            self.in_flight[message.id] = message
        return message

    def ack(self, message: Message) -> None:
        del self.in_flight[message.id]

    def nack(self, message: Message) -> None:
        self.send(self.in_flight.pop(message.id))


def journeys_of(queue: ForgetfulQueue) -> Any:
    """The journeys of six orders; the worker of order-4 crashes at 4 s."""

    def charge(order: Message) -> None:
        if order.id == "order-4" and order.attempt == 1:
            raise WorkerCrash

    orders = [Message(id=f"order-{number}") for number in range(1, 7)]
    return drawn(run_workers(charge, orders, queue), "journeys")


def test_unit_01_draws_a_message_that_is_gone_unlike_one_that_is_stuck() -> None:
    """The crash is marked in both; what has left the queue is hatched until the end."""
    gone, stuck = journeys_of(ForgetfulQueue()), journeys_of(KeepingQueue())
    for chart in (gone, stuck):
        assert [list(data) for data in chart.crashes.get_data()] == [[4.0], [3.0]]
    (bar,) = [p.vertices for p in gone.gone.get_paths() if np.ptp(p.vertices[:, 0])]
    assert (bar[:, 0].min(), bar[:, 0].max()) == (4.0, 30.0)
    assert gone.ends[3].text == "gone" and stuck.ends[3].text == "open"
    assert not stuck.gone.get_paths()
    held = max(path.vertices[:, 0].max() for path in stuck.held.get_paths())
    assert held == 30.0 and max(p.vertices[:, 0].max() for p in gone.held.get_paths()) == 7.0


def test_unit_02_draws_the_wait_that_it_speaks_of() -> None:
    """Until work begins, also where a worker has taken the job long before."""
    run = WorkQueue(**WorkQueue.PRESETS["hoarder"]).run(seed=0)
    chart = drawn(run, "wait_distribution")
    assert "95 % wait at most 92 s" in run.verdict
    assert chart.notes[1].text == "95 % ≤ 92 s" and run.totals["p95_wait_s"] == pytest.approx(92)
    assert "95 % waited at most 92 s" in chart.sentence(ChartData(run))


def test_unit_02_says_since_when_the_queue_is_full() -> None:
    """A full queue does not grow."""
    run = WorkQueue(rate=10.0).run(seed=0)
    assert run.verdict.startswith("The queue is full after 117 s, 4,239 refused: ")
    assert "grows" not in run.verdict + run.headline


def test_unit_02_counts_the_jobs_that_no_worker_began() -> None:
    """They waited longest, and are in no percentile."""
    run = WorkQueue(arrivals="Dec timetable").run(seed=0)
    assert "95 % of those begun wait at most 282 s" in run.verdict
    assert run.verdict.endswith("; 213 of 1,004 are left at its end.")


def test_unit_02_does_not_keep_up_with_a_rush_at_the_end() -> None:
    """On average the workers could; at the end of one's own arrivals a fifth of them is left."""
    times = [*range(0, 500, 5), *[500 + n / 10 for n in range(30)]]
    run = WorkQueue(arrivals=read_arrivals(times), spread=0.0).run(seed=0)
    assert run.verdict.startswith("3 workers do not always keep up: 0.259 a second arrive, ")
    assert run.verdict.endswith("; mean wait of those begun 0.062 s; 27 are left.")


def test_unit_03_takes_its_example_from_the_larger_harm() -> None:
    """One order was charged twice, 763 never: the verdict and the leases show one of these."""
    run = CardCharges(stuck=0.1).run(seed=0)
    assert run.verdict == (
        "2 of 1,000 orders charged twice or more, 763 never. Order-239, never: no worker has "
        "taken it since 320.8 s. 762 are not settled after 15 minutes."
    )
    assert "order-239 not charged" in drawn(run, "leases").sentence(ChartData(run))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"outage_to": 300.0}, "The service is still down at the end: 40.3 tries a second get 0"),
        ({"failure_rate": 1.0}, "40.3 tries a second still get 0 done: calls also fail"),
        (
            {"capacity": 11.0, "retries": 0, "outage": "hangs"},
            "The cause ended at 50 s, and 10.1 tries a second still get 0 done: the service does",
        ),
    ],
)
def test_unit_04_asks_whether_the_cause_is_over(settings: dict[str, Any], said: str) -> None:
    """The retries are the load only if nothing else fails the calls, and if most are retries."""
    verdict = CardOutage(**settings).run(seed=0).verdict
    assert said in verdict and "the retries are the load" not in verdict


def test_unit_04_counts_the_dead_alike_in_its_verdict_and_its_chart() -> None:
    """A redriven letter is not dead; those that died are named beside."""
    run = CardOutage(**CardOutage.PRESETS["redrive all at once"]).run(seed=0)
    chart = drawn(run, "dead")
    assert run.verdict.startswith("848 of 1,509 orders are dead, 227 were redriven. ")
    assert chart.total.text == "848 dead" and chart.measured(ChartData(run)) == 848
    assert "Dead letters: 848, " in chart.sentence(ChartData(run))
    assert "1,075 deaths in all" in chart.sentence(ChartData(run))
    assert chart.line.get_ydata()[-1] == 848


def test_unit_04_measures_the_end_after_the_outage() -> None:
    """A window of a minute has the outage in it: only the ten seconds after it count."""
    run = CardOutage(window=60.0).run(seed=0)
    assert run.verdict.endswith("16.4 done at the end.")
    done = sum(r.event == "acked" and r.time >= 50 for r in run.trace.records)
    assert run.totals["goodput_per_s"] == done / 10


def test_unit_04_measures_an_outage_that_lasts_from_its_begin() -> None:
    """Calls that were answered before it are no part of "the service is still down"."""
    run = CardOutage(outage_from=119.0, outage_to=300.0).run(seed=0)
    assert run.verdict.endswith("tries a second get 0 done.")


def test_unit_04_says_when_the_service_is_too_slow_for_the_first_tries_alone() -> None:
    """Without any retry it would not keep up: the cause has not ended."""
    run = CardOutage(capacity=10.0).run(seed=0)
    assert "the service answers only 10 a second" in run.verdict
    assert "the cause ended" not in run.verdict.lower()


def test_unit_05_says_that_the_breaker_is_open_again() -> None:
    """The end of the longest backlog is not the end of the run."""
    run = GuardedCalls(threshold=1).run(seed=0)
    assert run.verdict.split("At the end ")[1].startswith("740 orders wait")
    assert "and it is not closed again" in run.verdict


def test_unit_02_has_no_comma_before_a_colon() -> None:
    """A recorded day with a slow worker."""
    run = WorkQueue(arrivals="Jul actual", slow_worker=10.0).run(seed=0)
    assert ",:" not in run.verdict + run.headline
