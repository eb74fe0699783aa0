"""A unit has one name: its notebook, its folder of the package, its solutions and its tests."""

import ast
import json
import re
from pathlib import Path

import pytest

from mqlearn.units import COURSE
from scripts.write_notebooks import NOTEBOOKS
from tests.house.source import PACKAGE, ROOT, tree

NOTEBOOK_OF = {path.stem[3:]: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
WITHOUT_EXERCISES = {"start_here"}  # the map of the course asks nothing that is graded


def cells(notebook: Path) -> str:
    """The code of a notebook."""
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(c["source"]) + "\n" for c in found if c["cell_type"] == "code")


def imported(notebook: Path, unit: str) -> set[str]:
    """The names that a notebook's cells import from the folder of its unit."""
    line = rf"^from mqlearn\.units\.{unit} import (\([^)]*\)|[^\n#]+)"
    found = re.findall(line, cells(notebook), re.MULTILINE)
    return set(re.findall(r"\w+", " ".join(found)))


def exported(unit: str) -> set[str]:
    """The names in `__all__` of the unit's folder."""
    for node in tree(PACKAGE / "units" / unit / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_a_unit_has_one_name_everywhere() -> None:
    """The course's list, the notebooks, and the folders of package and tests are the same units."""
    assert tuple(NOTEBOOK_OF) == COURSE
    for folder in (PACKAGE / "units", ROOT / "tests" / "units"):
        assert {path.parent.name for path in folder.glob("*/*.py")} == set(COURSE), folder


@pytest.mark.parametrize("unit", COURSE)
def test_a_unit_is_found_by_its_name(unit: str) -> None:
    """Its scenario, its solutions, its tests and its instructors' page are where the name says."""
    assert (PACKAGE / "units" / unit / "scenario.py").is_file()
    assert list((ROOT / "tests" / "units" / unit).glob("test_*.py"))
    assert (NOTEBOOKS / "instructors" / f"{NOTEBOOK_OF[unit].stem}.md").is_file()
    solved = (NOTEBOOKS / "solutions" / NOTEBOOK_OF[unit].name).is_file()
    assert solved == (unit not in WITHOUT_EXERCISES)


@pytest.mark.parametrize("unit", COURSE)
def test_a_unit_exports_what_its_notebooks_import(unit: str) -> None:
    """No more and no less, so that the folder's front page lists what a student meets."""
    used = imported(NOTEBOOK_OF[unit], unit)
    solutions = NOTEBOOKS / "solutions" / NOTEBOOK_OF[unit].name
    if solutions.is_file():
        used |= imported(solutions, unit)
    assert exported(unit) == used
