"""The vocabulary of a trace: every kind of record, and what its fields hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record: the places that it may take an entry from (`sources`), the place it moves
    the entry `to`, and its `meaning`, with what `detail` holds.
    """

    sources: tuple[str, ...]
    to: str | None
    meaning: str


NEW = ("new",)
IN_FLIGHT = ("in flight",)
EVENTS: dict[str, Kind] = {
    "sent": Kind(NEW, "waiting", "accepted"),
    "scheduled": Kind(NEW, "delayed", "accepted, to be delivered later; detail: delay (s)"),
    "existing": Kind(NEW, None, "was there before the trace; detail: its place"),
    "repeated": Kind(
        NEW, "waiting", "a second copy: a send to an engine whose confirm was lost was made again"
    ),
    "due": Kind(("delayed",), "waiting", "its delay is over"),
    "received": Kind(("waiting",), "in flight", "handed to a worker"),
    "acked": Kind(IN_FLIGHT, "completed", "the work is done"),
    "nacked": Kind(IN_FLIGHT, "waiting", "failed, to be tried again at once; detail: reason"),
    "delayed": Kind(IN_FLIGHT, "delayed", "failed, to be tried again later; detail: delay (s)"),
    "lease_lost": Kind(IN_FLIGHT, "waiting", "failed: the visibility timeout ran out"),
    "released": Kind(IN_FLIGHT, "waiting", "given back, not a failure"),
    "postponed": Kind(
        IN_FLIGHT, "delayed", "given back for later, not a failure; detail: delay (s)"
    ),
    "dead": Kind(IN_FLIGHT, "dead", "to the dead letters; detail: reason"),
    "expired": Kind(
        ("waiting",), "dead", "to the dead letters, older than its TTL; detail: when that was (s)"
    ),
    "reappeared": Kind(
        ("completed", "purged"),
        "waiting",
        "an engine that had lost its ack, or whose purge had missed it, delivered it",
    ),
    "redriven": Kind(("dead",), "waiting", "moved back from the dead letters"),
    "discarded": Kind(("dead",), "discarded", "a dead letter was thrown away by an operator"),
    "purged": Kind(
        ("waiting", "delayed"), "purged", "thrown away by purge(); detail: where it was"
    ),
    "dropped": Kind(
        ("waiting", "delayed"), "dropped", "thrown away to make room; detail: where it was"
    ),
    "rejected": Kind((), None, "send refused, the queue was full; entry 0"),
    "deduplicated": Kind((), None, "send answered True, the message was taken before; entry 0"),
    "stale": Kind((), None, "settling refused, the delivery is not current; detail: which call"),
    "extended": Kind((), None, "the lease was renewed; detail: its new end (s)"),
    "lost_ack": Kind((), None, "an ack that never reached the queue"),
    "started": Kind((), None, "a handler began"),
    "finished": Kind((), None, "a handler ended; detail: how"),
    "batched": Kind(
        (), None, "a batch went to its handler, this its first message; detail: how many messages"
    ),
    "scaled": Kind(
        (), None, "a pool was scaled, or its workers changed since; detail: its WorkerCounts"
    ),
    "opened": Kind(
        (), None, "a breaker lets no call through from now on; source: the breaker; detail: why"
    ),
    "half_opened": Kind((), None, "a breaker lets probes through from now on; detail: why"),
    "closed": Kind((), None, "a breaker lets every call through again; detail: why"),
    "probed": Kind((), None, "a breaker's probe ended; detail: how"),
    "paged": Kind((), None, "an alert begins to fire; source: the alert; detail: its value"),
    "resolved": Kind((), None, "an alert fires no longer; source: the alert; detail: its value"),
    "occurred": Kind(
        (),
        None,
        "something happened that the source, a subscriber, is to hear of; detail: its topic",
    ),
    "effect": Kind(
        (), None, "something done to the world outside, such as a charge; detail: its business key"
    ),
    # Logs. source: the stream, or "stream/group"; entry: the offset; message_id: the event's or the
    # member's id.
    "appended": Kind((), None, "an event was added to a log; detail: partition"),
    "deleted": Kind(
        (), None, "retention dropped the head of a log; entry: its new start; detail: partition"
    ),
    "compacted": Kind(
        (), None, "events with a newer one of their key were dropped; entry: how many"
    ),
    "read": Kind((), None, "an event was handed to a reader of the group; detail: partition"),
    "sought": Kind(
        (), None, "a member goes on here; entry: the next offset to be read; detail: partition"
    ),
    "committed": Kind(
        (), None, "the group will go on here; entry: the next offset to read; detail: partition"
    ),
    "reset": Kind(
        (), None, "the group's offset was outside the log; entry: that offset; detail: partition"
    ),
    "joined": Kind((), None, "a member joined the group; entry: the generation this began"),
    "left": Kind((), None, "a member left the group; entry: the generation this began"),
    "evicted": Kind(
        (),
        None,
        "a member was removed from the group; entry: the generation this began; detail: why",
    ),
    "assigned": Kind(
        (), None, "a member owns these from now on; entry: generation; detail: partitions"
    ),
    "revoked": Kind(
        (), None, "a member owns these no longer; entry: generation; detail: partitions"
    ),
    "stalled": Kind(
        (), None, "a member stands still, heartbeats included; detail: for how long (s)"
    ),
    "fenced": Kind((), None, "a commit was refused; entry: its offset; detail: partition"),
    "skipped": Kind((), None, "an event was given up after it failed; detail: partition"),
    "answered": Kind(
        (),
        None,
        "a question was answered out of events; entry: how many it folded; detail: the answer",
    ),
    "parked": Kind(
        (), None, "an event that failed was appended to the stream `park`; detail: partition"
    ),
    # Replicated logs. worker: "replica-0"; entry: an offset; message_id: the value's text; receipt:
    # the epoch. Of what is appended and committed there, `detail` is 0: there is one partition.
    "fetched": Kind((), None, "a replica copied entries; entry: its new end; detail: how many"),
    "truncated": Kind(
        (), None, "a replica dropped what its leader has not; entry: its new end; detail: how many"
    ),
    "acknowledged": Kind((), None, "a producer was told that its entry is there; entry: offset"),
    "refused": Kind((), None, "a producer was told that nothing was appended; detail: which error"),
    "unanswered": Kind((), None, "a producer was told nothing in time; entry: offset"),
    "sent_again": Kind((), None, "a producer asks again; worker: the producer; attempt: which"),
    "elected": Kind(
        (), None, "a replica leads from now on; entry: its end; detail: clean or unclean"
    ),
    "offline": Kind((), None, "the log has no leader; worker: the last one"),
    "isr_shrunk": Kind(
        (), None, "a replica is not in sync any more; entry: how many are; detail: why"
    ),
    "isr_grown": Kind((), None, "a replica is in sync again; entry: how many are"),
    "killed": Kind((), None, "a replica's process died; its log is kept"),
    "power_cut": Kind(
        (), None, "a replica lost what was not on disk; entry: its new end; detail: how many"
    ),
    "restarted": Kind((), None, "a replica's process is back; entry: its end"),
    "cut_off": Kind((), None, "a replica reaches no other and no controller, only its clients"),
    "healed": Kind((), None, "a replica that was cut off reaches the others again"),
    "slowed": Kind((), None, "a replica fetches at other times; detail: every how many seconds"),
    "flushed": Kind((), None, "a replica's log was written to disk; entry: up to there"),
}
# The kinds that change how many entries of a log the replica in `worker` holds: more or fewer. An
# "appended" is one entry; of the others `detail` says how many.
REPLICA = "replica-"  # with its number: the name of a replica
HELD = {"appended": 1, "fetched": 1, "truncated": -1, "power_cut": -1}
# the kinds that change the place of an entry; all others only report something
MOVES = {event: kind for event, kind in EVENTS.items() if kind.sources}
