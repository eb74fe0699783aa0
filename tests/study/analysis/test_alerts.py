"""A page begins a span, and the alert's end ends it."""

from __future__ import annotations

from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.alerts import AlertSpan, alert_spans


def test_a_page_is_a_span() -> None:
    """Two alerts, one of them twice, and at the end one still fires."""
    told = [
        (10.0, "paged", "a"),
        (20.0, "paged", "b"),
        (30.0, "resolved", "a"),
        (40.0, "sent", "orders"),
        (50.0, "paged", "a"),
        (60.0, "resolved", "b"),
    ]
    records = [Record(time, event, source) for time, event, source in told]
    assert alert_spans(records, 99.0) == [
        AlertSpan("a", 10.0, 30.0),
        AlertSpan("b", 20.0, 60.0),
        AlertSpan("a", 50.0, 99.0),
    ]
