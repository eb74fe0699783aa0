"""Unit 13: its notebook and its instructors' page promise the same lesson."""

import json
import re

from scripts.write_notebooks import NOTEBOOKS

NAME = "13_monitoring"
LESSON = 50  # minutes of a class unit


def notebook_minutes() -> dict[str, int]:
    """The minutes that the notebook's headings give to each core section."""
    cells = json.loads((NOTEBOOKS / f"{NAME}.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = re.findall(r"^## (.+?)(?: · .+)? \(core, (\d+) minutes\)$", text, re.MULTILINE)
    return {heading: int(minutes) for heading, minutes in found}


def test_the_page_has_the_notebooks_minutes() -> None:
    """Section by section and in its order, and the sum fits a lesson and stands in the title."""
    page = (NOTEBOOKS / "instructors" / f"{NAME}.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| ([^|]+) \| (\d+) \|", page, re.MULTILINE)
    minutes = notebook_minutes()
    assert [(name, int(number)) for name, number in found] == list(minutes.items())
    assert sum(minutes.values()) <= LESSON
    assert page.startswith(f"# 13 Monitoring ({sum(minutes.values())} minutes of core)\n")
