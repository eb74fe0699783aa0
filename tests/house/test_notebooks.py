"""What a committed notebook may hold: one fresh run, no secrets of a machine, more words than
code.
"""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

from scripts.write_notebooks import NOTEBOOKS, WIDGET_VIEW, all_notebooks, read, settle

LONGEST_CELL = 20  # lines
CODE_IN_A_ROW = 2
COURSE = sorted(NOTEBOOKS.glob("*.ipynb"))

# What tells nbval to look away, as a tag or as a comment.
LOOK_AWAY = re.compile(r"nbval[-_](ignore|skip|raises)", re.IGNORECASE)
MACHINE = re.compile(
    r"(?<![\w/.])/(home|Users|root|work|tmp|opt|usr)/\w|[A-Z]:\\\\Users|0x[0-9a-f]{8,}"
)


def content(path: Path) -> Any:
    """The notebook at `path`."""
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[Any]:
    """Its code cells."""
    return [cell for cell in content(path).cells if cell.cell_type == "code"]


def outputs(path: Path) -> list[Any]:
    """All outputs of all its cells."""
    return [output for cell in code_cells(path) for output in cell.outputs]


each_notebook = pytest.mark.parametrize(
    "path", all_notebooks(), ids=lambda path: path.relative_to(NOTEBOOKS).as_posix()
)


@each_notebook
def test_it_is_written_the_one_right_way(path: Path) -> None:
    """It is byte for byte what `make notebooks` would write around the same outputs."""
    text = path.read_text(encoding="utf-8")
    assert text == nbformat.writes(settle(read(text))) + "\n", "run `make notebooks`"


@each_notebook
def test_it_comes_from_one_fresh_run(path: Path) -> None:
    """No cell is cleared or out of turn: the counts run from 1 to the number of code cells."""
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_nothing_went_wrong_in_it(path: Path) -> None:
    """No output is an error or was written to stderr."""
    wrong = [o for o in outputs(path) if o.output_type == "error" or o.get("name") == "stderr"]
    assert wrong == []


@each_notebook
def test_no_output_is_exempt(path: Path) -> None:
    """Every output is compared: no tag and no comment tells nbval to look away."""
    for cell in code_cells(path):
        marks = [*cell.metadata.get("tags", []), cell.source]
        assert not [mark for mark in marks if LOOK_AWAY.search(mark)], cell.source


@each_notebook
def test_no_dead_widget_is_in_it(path: Path) -> None:
    """No widget view is saved, since it would hide the picture where no kernel runs."""
    assert not [output for output in outputs(path) if WIDGET_VIEW in output.get("data", {})]
    assert "widgets" not in content(path).metadata


@each_notebook
def test_it_finds_its_data_from_everywhere(path: Path) -> None:
    """By `flight_file`, not by a path from the folder that the kernel happens to run in."""
    for cell in code_cells(path):
        assert not re.search(r"""["'](\./)?(data|\.\.)/""", cell.source)


@each_notebook
def test_it_names_no_machine(path: Path) -> None:
    """Neither source nor output holds a path of somebody's machine or the address of an object."""
    for cell in content(path).cells:
        shown = [{k: v for k, v in o.items() if k != "data"} for o in cell.get("outputs", [])]
        shown += [
            {
                kind: text
                for kind, text in output.get("data", {}).items()
                if not kind.startswith("image/")
            }
            for output in cell.get("outputs", [])
        ]
        found = MACHINE.search(cell.source + json.dumps(shown))
        assert not found, f"{found.group() if found else ''} in: {cell.source[:80]}"


@each_notebook
def test_more_prose_than_code(path: Path) -> None:
    """There are at least as many cells of prose as of code, and never three of code in a row."""
    kinds = [cell.cell_type for cell in content(path).cells]
    assert kinds.count("markdown") >= kinds.count("code")
    runs = [len(list(group)) for kind, group in itertools.groupby(kinds) if kind == "code"]
    assert max(runs, default=0) <= CODE_IN_A_ROW


@each_notebook
def test_code_cells_are_short(path: Path) -> None:
    """A code cell can be read at one glance: at most 20 lines."""
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= LONGEST_CELL, cell.source[:200]


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.name)
def test_a_lab_has_its_picture_without_a_kernel(path: Path) -> None:
    """Each cell that opens a lab shows a picture when nbconvert, which has no kernel, renders
    it.
    """
    labs = [cell for cell in code_cells(path) if shows_a_lab(cell)]
    assert labs, f"{path.name} has no lab"
    exporter = HTMLExporter()
    for cell in labs:
        assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source
        page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
        assert "data:image/png;base64," in page, cell.source
        assert "widget-view" not in page, cell.source


def shows_a_lab(cell: Any) -> bool:
    """Whether the cell's value is a lab: its last line makes or names one, or its output says
    so.
    """
    last = cell.source.rstrip().rpartition("\n")[2]
    texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return bool(re.match(r"Lab\(|(\w*_)?lab$", last)) or any(
        text.startswith("Lab(") for text in texts
    )
