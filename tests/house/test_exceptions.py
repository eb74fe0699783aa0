"""Every exception of the package crosses the border of a process: it pickles, and copies."""

from __future__ import annotations

import copy
import inspect
import pickle
import pkgutil
from typing import Any

import pytest

import mqlearn
from tests.house.source import load

# Per annotation of a parameter, a value that is not its default.
VALUES: dict[str, Any] = {"str": "order-7", "int": 7, "float": 1.5, "object": "why"}


def exceptions() -> list[type[BaseException]]:
    """Every exception class that the package defines."""
    found: set[type[BaseException]] = set()
    for module in pkgutil.walk_packages(mqlearn.__path__, "mqlearn."):
        loaded = load(module.name)
        for value in vars(loaded).values() if loaded else ():
            if (
                inspect.isclass(value)
                and issubclass(value, BaseException)
                and value.__module__.startswith("mqlearn")
            ):
                found.add(value)
    return sorted(found, key=lambda kind: kind.__qualname__)


def made(kind: type[BaseException]) -> BaseException:
    """One of this class, with a value for each parameter of its own."""
    maker = next(base for base in kind.__mro__ if "__init__" in vars(base))
    if not maker.__module__.startswith("mqlearn"):
        return kind("why")
    parameters = list(inspect.signature(kind).parameters.values())
    return kind(*(VALUES[str(parameter.annotation)] for parameter in parameters))


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
def test_an_exception_pickles(kind: type[BaseException]) -> None:
    """Its class, its text and all its fields are there again, its notes too."""
    error = made(kind)
    error.add_note("in a worker")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert (type(back), str(back), vars(back)) == (kind, str(error), vars(error))
    copied = copy.deepcopy(error)
    assert (type(copied), str(copied), vars(copied)) == (kind, str(error), vars(error))


def test_the_walk_finds_them() -> None:
    """Those with parameters of their own among them."""
    names = {kind.__name__ for kind in exceptions()}
    assert names >= {"OffsetOutOfRange", "WrongExpectedVersion", "Reject", "Release", "WorkerCrash"}
