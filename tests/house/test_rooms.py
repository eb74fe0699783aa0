"""Every import points down, and `import mqlearn` stays light."""

import subprocess
import sys
from collections.abc import Container
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, imports, modules, name

# Each room with those that it may import, itself apart. What is not in this table is a module of
# its own on the ground floor, which imports no room.
BELOW = {
    "technologies": {"runtime"},  # its errors are those of check.py
    "runtime": set(),
    "messaging": {"runtime"},
    "streaming": {"messaging", "runtime"},
    "engines": {"streaming", "messaging", "runtime"},
    "study": {"streaming", "messaging", "runtime"},
    "units": {"study", "engines", "streaming", "messaging", "runtime"},
    "lab": {"study", "streaming", "messaging", "runtime"},
}
# What `mqlearn` itself may import.
GROUND_FLOOR = {"runtime", "messaging", "streaming", "technologies"}

# Libraries with a room of their own.
ONLY_IN = {
    "matplotlib": "lab",
    "ipywidgets": "lab",
    "IPython": "lab",
    "simpy": "runtime",
    "greenlet": "runtime",
}
HEAVY = ("matplotlib", "pandas", "ipywidgets", "numpy", "IPython")
# The clients of engines, each imported only when its class is asked for.
CLIENTS = ("redis", "pika", "confluent_kafka", "boto3", "pulsar", "psutil")


def room(path: Path) -> str:
    """The room a file stands in: the folder below mqlearn, or the file's own name."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def file_of(imported: str, files: Container[str]) -> str | None:
    """The file that an imported name comes from: the longest part of it that is a file."""
    parts = imported.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((found for found in names if found in files), None)


@pytest.mark.parametrize("path", modules("mqlearn"), ids=name)
def test_imports_point_down(path: Path) -> None:
    """A file imports only rooms below its own, and never the package's front door."""
    here = room(path)
    allowed = GROUND_FLOOR if here == "__init__" else BELOW.get(here, set()) | {here}
    for line, module in imports(path):
        parts = module.split(".")
        if parts[0] == "mqlearn" and not (here == "__init__" and len(parts) == 1):
            assert parts[1] in allowed, f"{name(path)}:{line}: {here} must not import {module}"


def test_no_two_files_import_each_other() -> None:
    """Not even for the type checker: what needs both is one concept, or lacks an interface."""
    files = {dotted(path): path for path in modules("mqlearn")}
    known = {
        here: {module for _, found in imports(path) if (module := file_of(found, files)) != here}
        for here, path in files.items()
    }
    circles = {
        tuple(sorted((here, there)))
        for here, found in known.items()
        for there in found
        if there is not None and here in known[there]
    }
    assert circles == set()


@pytest.mark.parametrize("path", modules("mqlearn/units"), ids=name)
def test_no_unit_imports_another(path: Path) -> None:
    """A unit imports its own folder and what is below: to change one, no other is read."""
    parts = path.relative_to(PACKAGE / "units").parts
    for line, module in imports(path):
        if module.startswith("mqlearn.units."):
            assert len(parts) > 1 and module.split(".")[2] == parts[0], (
                f"{name(path)}:{line} imports {module}: what two units share belongs into study"
            )


@pytest.mark.parametrize("path", modules("mqlearn"), ids=name)
def test_a_library_stays_in_its_room(path: Path) -> None:
    """Only the lab draws, only the runtime simulates, and pandas waits until a table is asked
    for.
    """
    for line, module in imports(path):
        library = module.split(".")[0]
        assert ONLY_IN.get(library, room(path)) == room(path), (
            f"{name(path)}:{line} imports {library}"
        )
    if room(path) in ("runtime", "messaging", "streaming"):
        early = [
            module for _, module in imports(path, at_import=True) if module.split(".")[0] in HEAVY
        ]
        assert early == [], f"{name(path)} imports {early} before anybody asks for a table"


def test_importing_the_package_is_light() -> None:
    """`import mqlearn` brings none of the libraries for tables, charts and widgets; neither it nor
    `import mqlearn.engines` brings the client of an engine.
    """
    unwanted = HEAVY + CLIENTS
    code = f"import sys, mqlearn.engines; print([m for m in {unwanted!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
