"""The project's own Python files, read as syntax trees: what the tests of the house look at."""

import ast
import importlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mqlearn"
FOLDERS = ("mqlearn", "tests", "scripts", "bench")
# What `make engines` installs: without it, a module of `engines` may not be importable, no other.
CLIENTS = {"boto3", "botocore", "confluent_kafka", "pika", "psutil", "pulsar", "redis"}


def modules(*folders: str) -> list[Path]:
    """Every Python file below `folders`, which are named from the root."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "__pycache__" not in path.parts]


def name(path: Path) -> str:
    """`path` from the root, as messages should show it."""
    return path.relative_to(ROOT).as_posix()


def load(dotted: str) -> ModuleType | None:
    """A module of the package; None for one of an engine whose client is not installed."""
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as missing:
        required = os.environ.get("MQLEARN_REQUIRE_ENGINES")
        if required or missing.name not in CLIENTS or not dotted.startswith("mqlearn.engines."):
            raise
        return None


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of the file at `path`."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def package_of(path: Path) -> list[str]:
    """The package that a file's relative imports start from: ["mqlearn", "study"] for
    study/run.py.
    """
    return list(path.relative_to(ROOT).parts[:-1])


def imports(path: Path, *, at_import: bool = False) -> Iterator[tuple[int, str]]:
    """Each module that a file imports, by its full dotted name, with the line; a relative one is
    resolved.

    With `at_import`, only those that importing the file runs: none in a function, none for the type
    checker.
    """
    nodes = _run_at_import(tree(path).body) if at_import else ast.walk(tree(path))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = package_of(path)
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _run_at_import(node.orelse)
            continue
        yield node
        for block in ("body", "orelse", "finalbody", "handlers"):
            yield from _run_at_import(getattr(node, block, []))
