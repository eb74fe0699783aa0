"""One's own recording in a lab: by `set`, and by a file that is put into the panel."""

from __future__ import annotations

import io
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mqlearn.lab import Lab
from mqlearn.study.arrivals import read_arrivals
from mqlearn.study.scenario import Scenario
from mqlearn.units.start_here import FailingWork
from mqlearn.units.work_queues import WorkQueue

CANTEEN = "time,size\n1000,2\n1012.5,\n1012.5,3\n1031,1\n"


def put(lab: Lab, name: str, data: bytes) -> None:
    """Put a file into the panel, as the browser hands it over."""
    lab._ui.rows["arrivals"].upload.value = (
        {
            "name": name,
            "content": memoryview(data),
            "type": "text/csv",
            "size": len(data),
            "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
        },
    )


def arrived(run: Any) -> list[float]:
    """The times (s) at which a run's jobs arrived."""
    return [record.time for record in run.trace.records if record.event == "sent"]


def test_a_recording_is_set_like_any_other_value() -> None:
    """From its first arrival to its last, at its own speed and rate."""
    lab = Lab(WorkQueue, service=2.0, spread=0.0, workers=1)
    lab.set(arrivals=read_arrivals(io.StringIO(CANTEEN)))
    assert arrived(lab.run) == [0.0, 12.5, 12.5, 31.0] and lab.run.until == 31.0
    assert lab.run.totals["sent"] == 4 and lab.run.totals["done"] == 3
    assert lab._ui.rows["arrivals"].entry.value is lab.scenario.arrivals
    lab.set(workers=2)  # it stays
    assert arrived(lab.run) == [0.0, 12.5, 12.5, 31.0]
    lab.reset()
    assert lab.scenario.arrivals == "poisson" == lab._ui.rows["arrivals"].entry.value


def test_a_file_that_is_put_into_the_panel_is_its_arrivals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The menu names it, and the code that makes this run reads it again."""
    lab = Lab(WorkQueue)
    put(lab, "canteen.csv", CANTEEN.encode("utf-8-sig"))
    entry = lab._ui.rows["arrivals"].entry
    assert arrived(lab.run) == [0.0, 12.5, 12.5, 31.0] and entry.label == "canteen.csv"
    entry.value = "regular"
    assert lab.scenario.arrivals == "regular"
    entry.label = "canteen.csv"  # it stays in the menu
    assert arrived(lab.run) == [0.0, 12.5, 12.5, 31.0] and not lab.error
    (tmp_path / "canteen.csv").write_text(CANTEEN)
    (tmp_path / "code.py").write_text(lab.code())
    monkeypatch.chdir(tmp_path)
    again = runpy.run_path("code.py")["run"]
    assert again.trace.records == lab.run.trace.records


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"when\n1\n", "line 1, column time: expected a header with this name"),
        (b"time\n1\n0:31\n", "line 3, column time: expected seconds, a number that is not neg"),
        (b"time\n", "line 2, column time: expected at least one arrival"),
        (b"", "line 1, column time: expected a header"),
        ("time,key\n1,é\n".encode("latin-1"), "line 2: expected text in UTF-8"),
        (b"\x00\xff\x89PNG", "line 1: expected text in UTF-8"),
    ],
)
def test_a_wrong_file_is_refused_in_the_panel(data: bytes, said: str) -> None:
    """By line and column; the run that was there stays."""
    lab = Lab(WorkQueue)
    before = lab.run
    put(lab, "ours.csv", data)
    assert lab.error.startswith(said) and lab.run is before
    put(lab, "ours.csv", CANTEEN.encode())
    assert lab.error == "" and arrived(lab.run) == [0.0, 12.5, 12.5, 31.0]


def test_a_recording_is_no_value_of_another_field() -> None:
    """Nor of a scenario whose arrivals are a menu only; and a list of times is no recording yet."""
    own = read_arrivals([0.0, 1.0])
    with pytest.raises(TypeError, match="rate must be a number"):
        WorkQueue(rate=own)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no setting 'arrivals'"):
        Lab(FailingWork).set(arrivals=own)
    with pytest.raises(ValueError, match=r"arrivals must be one of .*got \[0.0, 1.0\]"):
        WorkQueue(arrivals=[0.0, 1.0])  # type: ignore[arg-type]


def test_a_recording_of_one_moment_or_of_thousands_of_arrivals_runs() -> None:
    """One arrival is observed for a second."""
    assert WorkQueue(arrivals=read_arrivals([5.0])).run(0).until == 1.0
    scenario: Scenario = WorkQueue(arrivals=read_arrivals(i / 100 for i in range(3000)), workers=12)
    lab = Lab(WorkQueue, arrivals=scenario.arrivals)  # type: ignore[attr-defined]
    assert lab.run.totals["sent"] + lab.run.totals["refused"] == 3000
    assert len(repr(scenario)) < 200
