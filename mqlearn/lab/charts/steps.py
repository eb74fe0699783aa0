"""Step functions and counts as arrays: the numbers that charts over time draw."""

import numpy as np

from mqlearn.lab.chart_data import Floats


def downsample(
    times: Floats, levels: Floats, start: float, end: float, columns: int
) -> tuple[Floats, Floats]:
    """Return a step function reduced to `columns` slices of time, each with the levels at its
    highest instant.

    So a peak that is shorter than a pixel is still visible. `levels` has a row per curve; a slice
    has the levels of all curves at the instant when their sum is highest; the levels at its
    beginning count too. Returns the edges of the slices (s, one more than slices) and the levels
    (rows × columns).
    """
    edges = np.linspace(start, end, columns + 1)
    if not len(times):
        return edges, np.zeros((len(levels), columns))
    total = levels.sum(axis=0)
    first = np.searchsorted(times, edges[:-1], side="right") - 1  # what holds when the slice begins
    last = np.searchsorted(times, edges[1:], side="left") - 1  # the last change inside it
    pick = first.copy()
    # Only slices with a change inside need a search; in a long run most have none.
    for i in np.flatnonzero(last > first):
        earliest = max(first[i], 0)
        pick[i] = earliest + np.argmax(total[earliest : last[i] + 1])
    values = np.where(pick >= 0, levels[:, np.maximum(pick, 0)], 0.0)  # before the first change: 0
    return edges, values


def step_corners(edges: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the corners (x, y) of a step line: each of the n `values` lasts from one of the n + 1
    `edges` to the next.
    """
    # Each inner edge has two corners, one above the other; each value is a line between two.
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)


def count_steps(times: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """Return the step function (times, values) from `start` to `end` (s) that goes up by one at
    each of `times` (s).
    """
    x = np.concatenate(([start], times, [end]))
    return x, np.append(np.arange(len(times) + 1), len(times))


def per_second(times: list[float], edges: Floats) -> Floats:
    """Return how many of `times` (s) fall into each slice, per second of it; 0 if it has no
    length.
    """
    widths = np.diff(edges)
    counts = np.histogram(times, edges)[0] * (widths > 0)
    return np.asarray(counts / np.where(widths > 0, widths, 1.0), dtype=float)


def shares(values: Floats, edges: Floats) -> Floats:
    """Return the share of `values` that falls into each slice; zeros if there are none."""
    return np.asarray(np.histogram(values, edges)[0] / max(len(values), 1), dtype=float)
