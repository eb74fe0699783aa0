"""The look of all pictures: one colour and one hatch for each place of a message, the fonts, and
numbers as text.

The colours are those of Okabe and Ito (2008): readers who cannot distinguish red from green can
distinguish these. Nothing is shown by colour alone: delayed is hatched, the baseline is a line, a
prediction is dashed, theory is dotted.
"""

import math
from typing import Final

from mqlearn.study.words import format_count, format_number, format_seconds

WAITING: Final = "#56B4E9"
IN_FLIGHT: Final = "#0072B2"
DELAYED: Final = "#E69F00"
DONE: Final = "#009E73"
DEAD: Final = "#000000"

LOST: Final = "#D55E00"  # a lease that ran out, an error
AGAIN: Final = "#CC79A7"  # an effect that was made twice
PREDICTED: Final = "#B3307A"  # the answer given before the run
GHOST: Final = "#7F7F7F"  # the baseline run
TROUBLE: Final = "#F8E9DC"  # the background while a service is in trouble
TROUBLED: Final = "#A84300"  # text on that background
PROBING: Final = "#F0E442"  # half-open, and a probe that failed

INK: Final = "#1A1A1A"
MUTED: Final = "#555555"
RULE: Final = "#C4C4C4"
TRACK: Final = "#ECECEC"
PAPER: Final = "#FFFFFF"

HATCH_DELAYED: Final = "/////"
# The hatch of a worker that continues although its lease is lost, and of a silent owner.
HATCH_NO_OWNER: Final = "/////"
HATCH_GONE: Final = "xxxx"  # a message that has left the queue and is with no worker
HATCH_CUT: Final = "\\\\\\\\\\"  # a mean that leaves out the messages that were not served

PRIORITIES: Final = ("LOW", "NORMAL", "HIGH", "CRITICAL")
# All of these are waiting messages, so all are shades of waiting's blue; neighbours differ in their
# hatch.
PRIORITY_FILL: Final = {
    "LOW": "#CDE7F8",
    "NORMAL": "#8CCBF0",
    "HIGH": "#3E9AD3",
    "CRITICAL": "#0B5C8E",
}
PRIORITY_HATCH: Final = {"LOW": "", "NORMAL": "....", "HIGH": "/////", "CRITICAL": "xxxxx"}

FAMILY: Final = "DejaVu Sans"  # comes with matplotlib: the same picture on every machine
DPI: Final = 100  # one CSS pixel is one pixel of the picture
TITLE: Final = 11.0  # points; 15 px
LABEL: Final = 9.0  # 12.5 px
SMALL: Final = 8.3  # 11.5 px

DASHED: Final = (0, (5.0, 2.5))
DOTTED: Final = (0, (1.2, 1.6))


# As in verdicts and totals, so that a chart and the sentence above it write a number alike.
number, seconds, count = format_number, format_seconds, format_count


def nice_top(value: float, shown: float = 0.0) -> float:
    """Return a round upper limit for an axis that must show `value`; `shown` is the limit so far.

    The limit grows as soon as the value does not fit, and shrinks only if the value uses less than
    a third of it: when a slider is moved, the curve then changes and not the axis.
    """
    if shown and shown / 3 <= value <= shown:
        return shown
    step = 1e-3
    while True:
        for factor in (1.0, 2.0, 4.0, 6.0):
            if value <= step * factor:
                return step * factor
        step *= 10


def close_ticks(value: float) -> list[float]:
    """Return round ticks from 0 to just above `value`, five to eight of them, for an axis that is
    drawn once.
    """
    value = max(value, 1e-3)
    power = 10.0 ** (math.floor(math.log10(value)) - 1)
    step = next(power * n for n in (1, 2, 5, 10, 20) if value <= 7 * power * n)
    return [round(i * step, 9) for i in range(math.ceil(value / step - 1e-9) + 1)]


# Distances between ticks and widths of slices, in seconds.
TIME_STEPS: Final = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    14400,
    21600,
    43200,
)


def time_ticks(start: float, end: float, most: int = 6) -> list[tuple[float, str]]:
    """Return round instants from `start` to `end` (s), `most` or fewer, each with its label.

    Over more than three hours the labels are times of day (06:00), else seconds; the last of them
    has the unit.
    """
    span = max(end - start, 1e-9)
    step = next((s for s in TIME_STEPS if span / s <= most), 86400.0)
    first = int(-(-start // step))  # rounded up
    at = [i * step for i in range(first, int(end // step) + 1)]
    if span > 10800:
        return [(t, f"{int(t // 3600):02d}:{int(t % 3600 // 60):02d}") for t in at]
    labels = [f"{t:,.0f}" if step >= 1 else f"{t:.1f}" for t in at]
    return [(t, text + (" s" if t == at[-1] else "")) for t, text in zip(at, labels, strict=True)]
