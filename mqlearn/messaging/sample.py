"""One look at a queue: the numbers that alerts are judged on and charts are drawn from."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One look at a queue at the time `now` (s).

    Counters since the start: messages `sent`; `done`, and of those `late`, after the goal; `dead`
    letters; orders `charged`, or another effect outside the queue that is counted there; deliveries
    (`received`), and tries that `failed`; messages that are `due`, since their deadline has passed,
    and of those the ones `missed`, not done in time.

    Now: messages `waiting` and `in_flight`, and the age of the `oldest` that is neither done nor
    dead (s).
    """

    now: float
    sent: int = 0
    done: int = 0
    late: int = 0
    dead: int = 0
    charged: int = 0
    waiting: int = 0
    oldest: float = 0.0
    received: int = 0
    failed: int = 0
    due: int = 0
    missed: int = 0
    in_flight: int = 0
