"""The files that come with a clone of the project: recordings and measurements."""

from __future__ import annotations

from pathlib import Path

from mqlearn.runtime import check


def data_file(name: str) -> Path:
    """Return the path of the file `name` of notebooks/data/: in the clone of the project, or below
    the current folder. Raises FileNotFoundError if it is in neither.
    """
    check.instance("name", name, str)
    # This file is mqlearn/study/data_files.py in the clone, so the clone is two folders up.
    clone = Path(__file__).resolve().parents[2]
    folders = (clone / "notebooks" / "data", Path.cwd() / "data", Path.cwd() / "notebooks" / "data")
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{name} is in none of {', '.join(map(str, folders))}: the recordings come with a clone of "
        "the project (pip install -e .), not with the package alone"
    )
