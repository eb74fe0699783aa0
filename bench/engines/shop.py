"""Unit 03's shop over each engine, its server killed with signal 9 in the middle: the books."""

from __future__ import annotations

from collections import Counter

from bench.engines.candidates import Candidate, version
from bench.engines.throughput import Row
from mqlearn import ThreadRuntime, Trace, UnbalancedBooks
from mqlearn.units.delivery_guarantees import LiveCharges

KILLED_AFTER = 60  # acks
POLL = 0.02  # seconds
SEED = 1
SHOP = LiveCharges(crash_rate=0.05, lost_acks=0.05)
COLUMNS = (
    ("accepted", "done", "dead", "held", "lost"),
    ("charges", "twice or more", "never", "sent again", "acks lost by the server"),
)


def books_of(candidate: Candidate) -> Row:
    """Run the shop, kill the server after sixty acks, start it again, and return the books.

    `lost` are those that were accepted and are neither done nor dead nor held by the engine.
    """
    trace, clock = Trace(), ThreadRuntime()
    with candidate.started(visibility_timeout=SHOP.lease, max_retries=9, trace=trace) as (
        server,
        queue,
    ):
        known = version(candidate.server, queue)

        def restart() -> None:
            while sum(record.event == "acked" for record in trace.records) < KILLED_AFTER:
                clock.sleep(POLL)
            server.kill()
            server.start()

        breaker = clock.spawn(restart, name="kill -9")
        try:
            SHOP.run(SEED, runtime=clock, queue=queue)
        except UnbalancedBooks:
            pass  # a server that keeps nothing: what is lost is counted below
        breaker.join()
        held = queue.census()
    seen = Counter(record.event for record in trace.records)
    charges = Counter(record.detail for record in trace.records if record.event == "effect")
    accepted = sum(seen[event] for event in ("sent", "scheduled", "existing", "repeated"))
    done, dead = seen["acked"] - seen["reappeared"], held["dead"]
    waiting = held["waiting"] + held["delayed"] + held["in flight"]
    return {
        "engine": candidate.engine,
        "version": known,
        "accepted": accepted,
        "done": done,
        "dead": dead,
        "held": waiting,
        "lost": accepted - done - dead - waiting,
        "charges": charges.total(),
        "twice or more": sum(count > 1 for count in charges.values()),
        "never": SHOP.ORDERS - len(charges),
        "sent again": seen["repeated"],
        "acks lost by the server": seen["reappeared"],
    }


def lines(row: Row) -> list[str]:
    """Return the books of one engine in words, two lines."""
    parts = [", ".join(f"{row[name]} {name}" for name in names) for names in COLUMNS]
    return [f"{row['engine']:<17} {parts[0]}", f"{'':<17} {parts[1]} ({row['version']})"]
