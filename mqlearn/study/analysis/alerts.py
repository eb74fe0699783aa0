"""The spans of time while alerts fired, read off the records of their pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mqlearn.runtime import check
from mqlearn.runtime.trace import Record


class AlertSpan(NamedTuple):
    """A span of time from `start` to `end` (s) while an `alert` fired: one page, at its start.

    If it still fires, `end` is the end of the run.
    """

    alert: str
    start: float
    end: float


def alert_spans(records: Iterable[Record], until: float) -> list[AlertSpan]:
    """Return the spans while alerts fired, in the order of their starts; `until` is the end of
    the run (s).
    """
    until = check.number("until", until)
    spans: list[AlertSpan] = []
    since: dict[str, int] = {}  # alert that fires: the position of its span
    for record in records:
        if record.event == "paged":
            since[record.source] = len(spans)
            spans.append(AlertSpan(record.source, record.time, until))
        elif record.event == "resolved":
            place = since.pop(record.source)
            spans[place] = spans[place]._replace(end=record.time)
    return spans
