"""The labs that each cell of a notebook has made, so that a cell that runs again does not leave its
former panels in the kernel: a panel has about 150 widgets, and each of them keeps its lab.
"""

import weakref
from typing import Any

# By cell: the request that ran it last, and the labs that it made then. A cell that never runs
# again keeps its labs.
_made: dict[str, tuple[str, list["weakref.ref[Any]"]]] = {}


def remember(lab: Any) -> None:
    """Remember `lab` as made by the running cell, and close those that an earlier run of this cell
    has made. Labs of other cells are left alone, also those over the same scenario.
    """
    cell, request = _running_cell()
    if not cell:  # not in a notebook, or one whose program does not name its cells
        return
    last, labs = _made.get(cell, ("", []))
    if last != request:
        for known in labs:
            former = known()
            if former is not None:
                former.close()
        labs = []
    _made[cell] = request, [*labs, weakref.ref(lab)]


def _running_cell() -> tuple[str, str]:
    """Return the id of the cell that is running and the id of the request to run it; "" if they are
    unknown.
    """
    from IPython import get_ipython

    # JupyterLab, Notebook and VS Code send the cell's id with each request to run it.
    parent = getattr(get_ipython(), "parent_header", None) or {}
    cell = parent.get("metadata", {}).get("cellId")
    request = parent.get("header", {}).get("msg_id")
    return (str(cell), str(request)) if cell and request else ("", "")
