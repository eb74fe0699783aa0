"""Numbers of numpy and pandas are numbers; arrays and tables are none, and say so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn.lab import Lab, replay, show
from mqlearn.runtime.simulation import Simulation
from mqlearn.study import theory
from mqlearn.study.arrivals import by_pattern, flight_day, poisson, read_arrivals, regular
from mqlearn.study.card import EffectLedger, KeyedCard, PlainCard
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.study.verdict import forget, remember
from mqlearn.units.start_here import FailingWork
from mqlearn.units.work_queues import WorkQueue

TABLE = pd.DataFrame({"rate": [0.5, 2.0], "workers": [2, 4], "service": [1.5, 0.25]})


def test_a_row_of_a_table_is_a_scenario() -> None:
    """Its numbers become Python's own, so that run, clock and code are those of a typed one."""
    row = TABLE.iloc[0]
    scenario = WorkQueue(
        rate=row["rate"], workers=TABLE["workers"][0], service=np.float32(row["service"])
    )
    plain = WorkQueue(rate=0.5, workers=2, service=1.5)
    assert scenario == plain and repr(scenario) == repr(plain)
    assert {type(getattr(scenario, f.name)) for f in dataclasses.fields(scenario)} <= {
        int, float, str, type(None),
    }  # fmt: skip
    run, same = scenario.run(seed=np.int64(3)), plain.run(seed=3)
    assert run.trace.records == same.trace.records and run.verdict == same.verdict
    assert type(run.seed) is int
    assert {type(record.time) for record in run.trace.records} == {float}


def test_a_lab_takes_numbers_of_a_table() -> None:
    """By `set`, as a seed, as a prediction, for the room and the step-through."""
    lab = Lab(WorkQueue, seed=np.int16(3), workers=np.int64(2))
    lab.set(workers=np.uint8(4), rate=np.float32(0.5), prediction=np.int64(7))
    assert lab.scenario == WorkQueue(workers=4, rate=0.5, prediction=7)
    assert "np" not in lab.code() and "seed=3" in lab.code()
    lab.room(np.array([1.0, 2.5]))
    lab.room(TABLE["workers"])
    assert "2 answers: from 2 to 4" in lab.verdict
    lab.predict(np.float32(2.5))
    assert type(lab.scenario.prediction) is float and "You said 2.5" in lab.verdict
    lab.step(np.float32(2.5))
    assert lab.sentence.startswith("At 2.5 s: ")
    assert lab._ui.rows["workers"].slider.value == 4


def test_a_seed_of_a_table_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict of a check is put into a table, and its seeds come back as numpy's."""
    remember(17, lambda: RUN)
    try:
        replay(np.int64(17))
        assert "Depth: " in capsys.readouterr().out
        with pytest.raises(LookupError, match=r"failed on \(17\), got 18"):
            replay(pd.Series([18])[0])
    finally:
        forget()


def test_faults_keep_plain_numbers() -> None:
    """A cause's times and rates are compared with the clock."""
    faults = Faults(failure_rate=np.float32(0.5), outage=(np.int64(2), np.float64(3)))
    assert faults == Faults(failure_rate=0.5, outage=(2, 3.0))
    assert type(faults.failure_rate) is float and type(faults.outage[0]) is int  # type: ignore[index]


NO_NUMBERS: dict[str, Any] = {
    "array": np.array([1.0, 2.0]),
    "empty array": np.array([]),
    "array of one": np.array([1.0]),
    "array without an axis": np.array(1.0),
    "column": TABLE["rate"],
    "table": TABLE,
    "date": np.datetime64("2020-01-01"),
    "truth": np.bool_(True),
    "missing": pd.NA,
    "no time": pd.NaT,
    "complex": 1j,
    "not a number": float("nan"),
    "infinity": np.float32("inf"),
    "long text": "x" * 1_000_000,
    "long list": [[1.0]] * 20_000,
    "too large": 10**4000,
}
LAB, RUN = Lab(FailingWork), FailingWork().run(0)
LEDGER = EffectLedger(Simulation())


def half(*_: object) -> float:
    """A draw."""
    return 0.5


CALLS: dict[str, Callable[[Any], object]] = {
    "rate": lambda value: WorkQueue(rate=value),
    "workers": lambda value: WorkQueue(workers=value),
    "arrivals": lambda value: WorkQueue(arrivals=value),
    "scenario": Lab,
    "runtime": lambda value: WorkQueue().run(0, runtime=value),
    "queue": lambda value: WorkQueue().run(0, queue=value),
    "failure_rate": lambda value: LAB.set(failure_rate=value),
    "value": LAB.predict,
    "name": LAB.preset,
    "kept": LAB.keep,
    "time": LAB.step,
    "run": show,
    "charts": lambda value: show(RUN, value),
    "ghost": lambda value: show(RUN, ghost=value),
    "at": lambda value: show(RUN, at=value),
    "prediction": lambda value: show(RUN, prediction=value),
    "trace": Run.of,
    "until": lambda value: Run.of(RUN.trace, value),
    "answers": lambda value: LAB.room([value]),
    "amount": lambda value: LEDGER.record("order-1", value),
    "ledger": PlainCard,
    "seconds": lambda value: PlainCard(LEDGER, seconds=value),
    "remember": lambda value: KeyedCard(LEDGER, remember=value),
    "outage": lambda value: Faults(outage=(value, value)),
    "poison": lambda value: Faults(poison=value),
    "rate of poisson": lambda value: poisson(value, 10.0, half),
    "rate of regular": lambda value: regular(value, 10.0),
    "draw": lambda value: poisson(1.0, 10.0, value),
    "pattern": lambda value: by_pattern(value, 1.0, 2.0, half),
    "day": lambda value: flight_day(value, "actual"),
    "which": lambda value: flight_day("2013-12-02", value),
    "load": lambda value: theory.erlang_b(value, 2),
    "servers": lambda value: theory.erlang_c(0.5, value),
    "service_cv": lambda value: theory.mg1_wait(0.5, 1.0, service_cv=value),
    "start": lambda value: theory.little([], value, 2.0),
    "end": lambda value: theory.little([], 0.0, value),
    "at of replay": lambda value: replay(RUN, at=value),
}


@pytest.mark.parametrize("what", NO_NUMBERS)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_number_is_refused_by_name(name: str, what: str) -> None:
    """In a short sentence with parameter and rule, not by the truth value of an array."""
    with pytest.raises((TypeError, ValueError)) as caught:
        CALLS[name](NO_NUMBERS[what])
    said = str(caught.value)
    assert said.startswith(name.partition(" ")[0]) and " must " in said and len(said) < 1000


@pytest.mark.parametrize("what", ["array", "table", "column", "truth", "missing", "complex"])
def test_a_recording_is_refused_in_a_sentence(what: str) -> None:
    """If it has no times."""
    with pytest.raises((TypeError, ValueError), match=r"expected|must"):
        read_arrivals(TABLE if what == "table" else [NO_NUMBERS[what]])  # type: ignore[list-item]
