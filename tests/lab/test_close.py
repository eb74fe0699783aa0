"""A lab that is closed, or whose cell is run again, leaves no widget behind."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import IPython
import ipywidgets.widgets.widget as registry
import pytest

from mqlearn.lab import Lab, cells


def alive() -> set[str]:
    """The ids of the widgets that the kernel knows."""
    return set(registry._instances)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run code as a cell of a notebook: `notebook(cell, code)` sends a new request each time."""
    shell = SimpleNamespace(parent_header={})
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(cells, "_made", {})

    def run(cell: str | None, code: Any) -> Any:
        request = f"request-{run.count}"  # type: ignore[attr-defined]
        run.count += 1  # type: ignore[attr-defined]
        named = {} if cell is None else {"cellId": cell}
        shell.parent_header = {"header": {"msg_id": request}, "metadata": named}
        return code()

    run.count = 0  # type: ignore[attr-defined]
    return run


def test_a_closed_lab_leaves_no_widget(scenario: type[Any]) -> None:
    """Not one of the panel, its layouts and styles, its player and its link; and it is freed."""
    before = alive()
    lab = Lab(scenario)
    assert len(alive() - before) > 50
    lab.step(3.0)
    lab.keep()
    lab.set(dying=5)
    lab.close()
    assert alive() == before and lab.closed
    gone = weakref.ref(lab)
    del lab
    gc.collect()
    assert gone() is None


def test_a_closed_lab_still_says_what_it_showed_and_moves_no_more(lab: Lab) -> None:
    """Closing twice is closing once; every command says what to do instead."""
    lab.set(dying=5)
    verdict, run, png = lab.verdict, lab.run, lab.png()
    lab.close()
    lab.close()
    assert (lab.verdict, lab.run, lab.png()) == (verdict, run, png)
    assert lab.run.totals["dead"] == 5 and "run(seed=0)" in lab.code()
    assert set(lab._repr_mimebundle_()) == {"image/png", "text/plain"}
    for command in (
        lambda: lab.set(dying=1), lambda: lab.predict(3), lambda: lab.room([1]), lab.keep,
        lambda: lab.preset("all is lost"), lab.reset, lab.reroll, lambda: lab.step(1.0),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="this lab is closed: make a new one"):
            command()
    assert lab.run is run


def test_a_lab_that_cannot_begin_leaves_no_widget(scenario: type[Any]) -> None:
    """Its first run raises."""
    before = alive()
    with pytest.raises(ValueError, match="pace must be positive"):
        Lab(scenario, pace=0)
    assert alive() == before


def test_a_cell_that_runs_again_replaces_its_labs(scenario: type[Any], notebook: Any) -> None:
    """All that it made before, also several; the kernel then has as many widgets as before."""
    before = alive()
    first = notebook("cell-1", lambda: (Lab(scenario), Lab(scenario)))
    two = len(alive() - before)
    assert not any(lab.closed for lab in first)
    for _ in range(3):
        again = notebook("cell-1", lambda: (Lab(scenario), Lab(scenario)))
        assert all(lab.closed for lab in first) and not any(lab.closed for lab in again)
        assert len(alive() - before) == two
        first = again


def test_labs_of_other_cells_are_left_alone(scenario: type[Any], notebook: Any) -> None:
    """Also over the same scenario, also of other cells that make none, and without a cell's id."""
    one = notebook("cell-1", lambda: Lab(scenario))
    two = notebook("cell-2", lambda: Lab(scenario))
    notebook("cell-3", lambda: one.set(dying=4))
    loose = [notebook(None, lambda: Lab(scenario)) for _ in range(2)]
    assert not any(lab.closed for lab in (one, two, *loose))
    new = notebook("cell-2", lambda: Lab(scenario))
    assert two.closed and not any(lab.closed for lab in (one, new, *loose))
    one.set(dying=5)
    assert one.run.totals["dead"] == 5


def test_a_cell_that_fails_when_it_runs_again_keeps_its_lab(
    scenario: type[Any], notebook: Any
) -> None:
    """The former lab is closed when its successor is there."""
    one = notebook("cell-1", lambda: Lab(scenario))
    with pytest.raises(ValueError, match="pace must be positive"):
        notebook("cell-1", lambda: Lab(scenario, pace=0))
    assert not one.closed
    notebook("cell-1", lambda: Lab(scenario))
    assert one.closed
