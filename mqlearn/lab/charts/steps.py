"""Step functions and counts as arrays: the numbers that charts over time draw."""

import numpy as np

from mqlearn.lab.chart_data import Floats


def downsample(
    times: Floats, levels: Floats, start: float, end: float, columns: int
) -> tuple[Floats, Floats]:
    """Return a step function in `columns` slices of time, each at its highest instant.

    A peak shorter than a pixel is therefore still seen. `levels` has a row per curve; a slice shows
    all of them at the instant at which their sum is highest, and at least the levels that held when
    it began. Returns the edges of the slices (s, one more than slices) and the levels (rows ×
    columns).
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
    """Return the corners (x, y) of the line that has each of `values` between two of `edges`."""
    # Each inner edge has two corners, one above the other; each value is a line between two.
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)


def count_steps(times: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """Return the step function that counts `times` up, from `start` to `end` (s)."""
    x = np.concatenate(([start], times, [end]))
    return x, np.append(np.arange(len(times) + 1), len(times))


def per_second(times: list[float], edges: Floats) -> Floats:
    """Return how many of `times` (s) fall into each slice, per second of it."""
    return np.asarray(np.histogram(times, edges)[0] / np.diff(edges), dtype=float)


def shares(values: Floats, edges: Floats) -> Floats:
    """Return the share of `values` that falls into each slice; zeros if there are none."""
    return np.asarray(np.histogram(values, edges)[0] / max(len(values), 1), dtype=float)
