"""The last event up to an instant, in words: the line under a step-through's picture."""

from bisect import bisect_right
from typing import Any

from mqlearn.lab import style

# By the kind of record. m: message or member, w: worker, d: detail, e: entry or offset, by: " by
# w".
WORDS = {
    "sent": "{m} arrived",
    "scheduled": "{m} arrived, to wait {d} s",
    "due": "{m} is due again",
    "received": "{m} was taken{by}",
    "acked": "{m} is done",
    "nacked": "{m} failed and waits again",
    "delayed": "{m} failed, next try in {d} s",
    "lease_lost": "{m}: the lease ran out",
    "released": "{m} was given back",
    "dead": "{m} died: {d}",
    "expired": "{m} expired",
    "effect": "{m} took effect",
    "started": "{w} began {m}",
    "finished": "{w} ended {m}: {d}",
    "rejected": "a message was refused: queue full",
    "stale": "{m}: a late {d} was refused",
    "occurred": "{m} happened",
    "appended": "{m} was appended to partition {d}",
    "deleted": "partition {d} was cut: it begins at {e}",
    "read": "{m} was read{by}",
    "committed": "{w} committed {e} in partition {d}",
    "reset": "{w} asked partition {d} for {e}, which is gone",
    "joined": "{m} joined the group",
    "left": "{m} left the group",
    "evicted": "{m} was put out of the group: {d}",
    "assigned": "{m} owns {d}",
    "revoked": "{m} gives up {d}",
    "stalled": "{w} stands still for {d} s",
    "answered": "a question was answered out of {e} events",
    "fenced": "a late commit of {w} was refused",
    "fetched": "{w} copied up to {e}",
    "truncated": "{w} dropped {d}",
    "acknowledged": "{m} was told yes{by}",
    "refused": "{m} was refused: {d}",
    "unanswered": "{m} has no answer{by}",
    "sent_again": "{m} is sent again{by}",
    "elected": "{w} leads from now on",
    "offline": "no replica leads",
    "isr_shrunk": "{w} is not in sync any more",
    "isr_grown": "{w} is in sync again",
    "killed": "{w} died",
    "power_cut": "{w} lost its power, and entries: {d}",
    "restarted": "{w} is back",
    "cut_off": "{w} is cut off",
    "healed": "{w} is connected again",
    "slowed": "{w} fetches every {d} s",
    "flushed": "{w} wrote up to {e} to the disk",
}


def describe_last_event(run: Any, time: float) -> str:
    """Return a sentence about the last event up to `time` (s); events at the same instant are all
    named, at most six.
    """
    records = run.trace.records
    # The records are in the order of time, so a binary search finds the place.
    after = bisect_right(records, time + 1e-9, key=lambda record: record.time)
    if not after:
        return "Nothing has happened yet."
    at = records[after - 1].time
    # Six at most: more would not fit the two lines there are.
    same = [r for r in records[max(0, after - 6) : after] if abs(r.time - at) < 1e-9]
    events = dict.fromkeys(_in_words(r) for r in same)  # each text once, in order
    return f"Last event, at {style.seconds(round(at, 2))}: {', then '.join(events)}."


def _in_words(record: Any) -> str:
    _, event, _, entry, message_id, _, _, worker, _, detail = record
    by = f" by {worker}" if worker else ""
    if isinstance(detail, tuple):  # the partitions that were assigned or revoked
        detail = f"partition{'s' * (len(detail) != 1)} {', '.join(map(str, detail)) or 'none'}"
    number = style.number(detail) if isinstance(detail, int | float) else detail
    template = WORDS.get(event, "{m}: " + str(event).replace("_", " "))
    # A reader of a log notes its partition when it has finished, a worker of a queue the outcome.
    if event == "finished" and isinstance(record.detail, int):
        template = "{w} is done with {m}"
    return str(template).format(
        m=message_id or "a message", d=number, by=by, w=worker or "a worker", e=entry
    )
