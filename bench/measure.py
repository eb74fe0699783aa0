"""Measurement by medians, the candidates in turns so that all meet the same machine."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

# prepares outside the measured time, and returns the call to be measured
Prepared = Callable[[], Callable[[], Any]]


def interleaved(calls: dict[str, Prepared], repeats: int) -> dict[str, float]:
    """Median seconds of each call, taken in turns."""
    return {name: median(seconds) for name, seconds in rounds(calls, repeats).items()}


def rounds(calls: dict[str, Prepared], repeats: int) -> dict[str, list[float]]:
    """Seconds of each call in each round."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, prepare in calls.items():
            call = prepare()
            gc.collect()
            start = perf_counter()
            call()
            taken[name].append(perf_counter() - start)
    return taken


def kept(make: Callable[..., Any], *args: Any) -> int:
    """Bytes that Python holds for what `make(*args)` returns."""
    gc.collect()
    tracemalloc.start()
    try:
        made = make(*args)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if made is not None else 0
    finally:
        tracemalloc.stop()


def table(*rows: tuple[Any, ...]) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell, the first to the left,
    numbers to the right.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
