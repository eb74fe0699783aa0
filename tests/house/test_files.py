"""Files are short, own their clock and their dice, and say which unit a time is in."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mqlearn.runtime import base
from tests.house.source import FOLDERS, ROOT, load, modules, name, tree

LONGEST = 350  # lines, as the formatter lays them out

# Where the real clock, real threads and real chance may be touched: the one runtime that stands for
# them, and the defaults of a message and an event.
CLOCK_AND_CHANCE = {
    "mqlearn/runtime/threads.py": {"threading", "time", "random", "uuid"},
    "mqlearn/messaging/message.py": {"uuid"},
    "mqlearn/messaging/clock.py": {"time"},  # of a message that no queue has seen
    "mqlearn/streaming/event.py": {"uuid"},
    # real connections, which threads share: their locks stay when the queue changes its clock
    "mqlearn/engines/rabbitmq.py": {"threading"},
    "mqlearn/engines/rabbitmq_link.py": {"threading", "time"},
    # a lock: JupyterLab calls sliders' callbacks on its own threads
    "mqlearn/lab/panel.py": {"threading"},
    # genuine servers are processes of this machine: they are waited for, with a deadline
    "mqlearn/engines/servers/process.py": {"time"},
    "mqlearn/engines/servers/process_tree.py": {"time"},
}
# These make or hold no thread, read no clock and throw no dice: a lock, a seeded generator.
HARMLESS = {
    "random.Random",
    "threading.get_ident",
    "threading.current_thread",
    "threading.local",
    "threading.Lock",  # under which nobody waits, so that a simulation needs none of its own
}
WATCHED = {"threading", "time", "random", "uuid"}

# A parameter with one of these names is a time, or a span of it.
TIMES = re.compile(
    r"(^|_)(timeout|delay|seconds|until|linger|lease|ttl|now|deadline|interval|horizon|duration)(_|$)"
)


@pytest.mark.parametrize("path", modules(*FOLDERS), ids=name)
def test_no_file_is_too_long(path: Path) -> None:
    """One concept a file fits into 350 lines."""
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= LONGEST, f"{name(path)} has {count} lines; the most is {LONGEST}: split it"


def outside_calls(path: Path) -> Iterator[tuple[int, str]]:
    """Each use of a watched module in a file, as `module.name`, however it was imported."""
    known: dict[str, str] = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            known |= {
                alias.asname or alias.name: alias.name
                for alias in node.names
                if alias.name in WATCHED
            }
        elif isinstance(node, ast.ImportFrom) and node.module in WATCHED:
            known |= {
                alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names
            }
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in known
        ):
            yield node.lineno, f"{known[node.value.id]}.{node.attr}"
        elif isinstance(node, ast.Name) and "." in known.get(node.id, ""):
            yield node.lineno, known[node.id]


@pytest.mark.parametrize("path", modules("mqlearn"), ids=name)
def test_time_and_chance_are_passed_in(path: Path) -> None:
    """Nothing reads a clock, starts a thread or throws dice but the runtime that stands for the
    real ones.
    """
    allowed = CLOCK_AND_CHANCE.get(name(path), set())
    for line, used in outside_calls(path):
        permitted = used in HARMLESS or used.split(".")[0] in allowed
        assert permitted, f"{name(path)}:{line} uses {used}: ask the runtime instead"


def public_callables() -> list[Any]:
    """Every public function, class and method of the package, found by walking its modules."""
    found = {}
    for path in modules("mqlearn"):
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = load(dotted)
        for key, value in vars(module).items() if module else ():
            if (
                not key.startswith("_")
                and getattr(value, "__module__", "") == dotted
                and callable(value)
            ):
                found[f"{dotted}.{key}"] = value
                found |= methods(f"{dotted}.{key}", value)
    return [
        pytest.param(value, id=key.removeprefix("mqlearn.")) for key, value in sorted(found.items())
    ]


def methods(prefix: str, owner: Any) -> dict[str, Any]:
    """The public methods that a class defines itself, by their full name."""
    if not inspect.isclass(owner):
        return {}
    own = {key: getattr(owner, key) for key in vars(owner) if not key.startswith("_")}
    return {f"{prefix}.{key}": value for key, value in own.items() if inspect.isroutine(value)}


def time_parameters(target: Any) -> list[str]:
    """The parameters of `target` that are times by their name and numbers by their annotation."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (ValueError, TypeError):
        return []
    return [
        each.name
        for each in parameters
        if TIMES.search(each.name)
        and re.search(r"^(?!.*Callable).*(float|int|empty)", str(each.annotation))
    ]


def promised(method: str) -> str:
    """What the runtime's protocols say of a method that a class without docstrings of its own
    fulfils.
    """
    verbs = [
        getattr(protocol, method, None)
        for protocol in vars(base).values()
        if inspect.isclass(protocol)
    ]
    return "\n".join(inspect.getdoc(verb) or "" for verb in verbs if verb is not None)


@pytest.mark.parametrize("target", public_callables())
def test_a_time_has_its_unit(target: Any) -> None:
    """A public callable that takes a time says in its docstring that it is in seconds."""
    times = time_parameters(target)
    if times:
        said = inspect.getdoc(target) or promised(target.__name__)
        unit = re.search(r"\bseconds?\b|\d s\b|\(s[);]", said)
        assert unit, f"{target.__qualname__} takes {times} and does not say that it is in seconds"


BY_NUMBER = re.compile(r"\b(?:r|rec|record)\[\d\]")


def code_of(path: Path) -> str:
    """The code of a file, or of a notebook's cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize(
    "path", [*modules("mqlearn"), *sorted((ROOT / "notebooks").rglob("*.ipynb"))], ids=name
)
def test_a_record_is_read_by_name(path: Path) -> None:
    """No field of a record is read by its number."""
    assert not BY_NUMBER.search(code_of(path))
