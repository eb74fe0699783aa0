"""The last thing that happened up to an instant, in words."""

from typing import Any

from mqlearn.lab import style

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
}


def just_now(run: Any, time: float) -> str:
    """The last thing that happened up to `time`, in words; all of it if several share the
    instant.
    """
    records = run.trace.records
    low, high = 0, len(records)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if records[middle][0] <= time + 1e-9 else (low, middle)
    if not low:
        return "Nothing has happened yet."
    at = records[low - 1][0]
    same = [r for r in records[max(0, low - 6) : low] if abs(r.time - at) < 1e-9]
    said = dict.fromkeys(_told(r) for r in same)
    return f"Last event, at {style.seconds(round(at, 2))}: {', then '.join(said)}."


def _told(record: Any) -> str:
    _, event, _, entry, message_id, _, _, worker, _, detail = record
    by = f" by {worker}" if worker else ""
    if isinstance(detail, tuple):
        detail = f"partition{'s' * (len(detail) != 1)} {', '.join(map(str, detail)) or 'none'}"
    number = style.number(detail) if isinstance(detail, int | float) else detail
    template = WORDS.get(event, "{m}: " + str(event).replace("_", " "))
    if event == "finished" and isinstance(
        record.detail, int
    ):  # a reader of a log: where, and not how
        template = "{w} is done with {m}"
    return str(template).format(
        m=message_id or "a message", d=number, by=by, w=worker or "a worker", e=entry
    )
