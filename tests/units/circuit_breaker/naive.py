"""The breakers and workers of notebook 05, read from its own cells: what the tests try is what the
reader sees.
"""

from __future__ import annotations

import json
from typing import Any

from tests.house.source import ROOT

NOTEBOOK = ROOT / "notebooks" / "05_circuit_breaker.ipynb"
DEFINED = (
    "class NaiveBreaker",
    "def take_then_ask",
    "def drive",
    "class InARow",
    "def calls_until_open",
    "def ask_then_take",
    "def stuck",
    "class Breaker",
    "def serve",
)


def from_notebook() -> dict[str, Any]:
    """The names that the first cell imports and that those cells define; of each cell only what it
    defines.
    """
    cells = [
        "".join(cell["source"])
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    names: dict[str, Any] = {}
    exec(cells[0], names)
    for cell in cells[1:]:
        if cell.startswith(DEFINED):
            exec(cell.split("\n\n")[0], names)
    return names
