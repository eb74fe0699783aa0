"""Results that show that a function's work is not done: it has not begun, or has not ended."""

from __future__ import annotations

import functools
import inspect
import io
from collections.abc import Iterator
from concurrent.futures import Future
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodType,
)
from typing import Any

UNBEGUN = (CoroutineType, GeneratorType, AsyncGeneratorType, map, filter)
UNCALLED = (FunctionType, MethodType, BuiltinFunctionType, functools.partial, type)


def why_unbegun(result: Any) -> str | None:
    """Return why a result shows that the work has not even begun; None if it does not."""
    if isinstance(result, type) and issubclass(result, BaseException):
        return f"the class {result.__name__} and did not raise it"
    if not (isinstance(result, UNBEGUN) or hasattr(type(result), "__await__")):
        return None
    if inspect.iscoroutine(result):
        result.close()  # or Python would warn that it was never awaited
    return f"{_kind_of(result)}: nothing of it has run"


def check_ran(result: Any) -> None:
    """Raise TypeError for the result of a spawned function that shows that nothing has run."""
    if isinstance(result, UNBEGUN[:3]):
        raise TypeError(f"target must run when it is called, but it returned {why_unbegun(result)}")


def why_not_done(result: Any) -> str | None:
    """Return why the result of a handler shows that its work is not done; None if it does not.

    Beside what has not begun, that is work handed to other threads that has not ended (a Future),
    an iterator that does its work when it is read, and a function or a class that was not called.
    """
    why = why_unbegun(result)
    if why is not None:
        return why
    if isinstance(result, Future) and not result.done():
        return f"{_kind_of(result)}: its work has not ended, and .result() would wait for it"
    if isinstance(result, Iterator) and not isinstance(result, io.IOBase):
        return f"{_kind_of(result)}: nothing of it has run"
    if isinstance(result, UNCALLED):
        name = getattr(result, "__name__", type(result).__name__)
        return f"{'the class' if isinstance(result, type) else 'the function'} {name} uncalled"
    return "NotImplemented" if result is NotImplemented else None


def _kind_of(result: Any) -> str:
    kind = type(result).__name__.replace("_", " ")
    return f"{'an' if kind[:1].lower() in 'aeio' else 'a'} {kind}"
