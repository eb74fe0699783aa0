"""The servers' settings files, with their placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent / "settings"


def write_settings(name: str, folder: Path, values: Mapping[str, object]) -> Path:
    """Write the settings file `name` with its placeholders filled; return its path in `folder`."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    path = folder / name
    path.write_text(Template(text).substitute(values), encoding="utf-8")
    return path
