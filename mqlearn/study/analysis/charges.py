"""The analysis of the charges in a trace: how many, how many theory expects, and why an order was
charged twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mqlearn.runtime import check
from mqlearn.runtime.trace import Record

RESENT = "/2"  # the end of the id of a message that was sent a second time for the same order


class Charge(NamedTuple):
    """The charge of a card at `time` (s): its worker, and the delivery that the worker was working
    on (message id, attempt, receipt).
    """

    time: float
    worker: str
    message_id: str
    attempt: int
    receipt: int


def charges_by_order(records: Sequence[Record]) -> dict[str, list[Charge]]:
    """Return the charges in a trace by their business key (the order), each list in order of time.

    The record of an effect does not name a delivery: it is the delivery that the worker received or
    started last.
    """
    found: dict[str, list[Charge]] = {}
    # by worker: message id, attempt and receipt of the delivery that it received or started last
    at_work: dict[str, tuple[str, int, int]] = {}
    for time, event, _, _, message_id, _, attempt, worker, receipt, detail in records:
        if event in ("received", "started"):
            at_work[worker] = (message_id, attempt, receipt)
        elif event == "effect":
            found.setdefault(detail, []).append(
                Charge(time, worker, *at_work.get(worker, ("", 0, 0)))
            )
    return found


def order_of(message_id: str) -> str:
    """Return the id of the order that the message with this id is about."""
    return message_id.removesuffix(RESENT)


class ChargeAnalysis:
    """The charges of all orders: the number of `charges`, and the numbers of orders that were
    charged `never`, `once`, and `twice` or more often.

    `dead_but_charged` is the number of dead letters whose order was charged. `first_twice` is a
    sentence about the first order that was charged a second time, and why, and `first_never` one
    about one that was never charged: the first of those with the most frequent cause; "" if there
    is none. `example` is the one of the two that is about more orders, and `example_order` the id
    of its order.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        charges = charges_by_order(records)
        orders = dict.fromkeys(
            order_of(record.message_id) for record in records if record.event == "sent"
        )
        # orders by their number of charges; 2 stands for two or more
        counts = Counter(min(len(charges.get(order, ())), 2) for order in orders)
        self.charges = sum(map(len, charges.values()))
        self.never, self.once, self.twice = counts[0], counts[1], counts[2]
        self.dead_but_charged = sum(
            order_of(r.message_id) in charges for r in records if r.event == "dead"
        )
        again = (
            min((c[1].time, order) for order, c in charges.items() if len(c) > 1)
            if counts[2]
            else None
        )
        self.first_twice = "" if again is None else _why(again[1], charges[again[1]], records)
        never, self.first_never = _why_never([o for o in orders if o not in charges], records)
        self.example, self.example_order = (
            (self.first_never, never)
            if self.never > self.twice
            else (self.first_twice, "" if again is None else again[1])
        )


def _why(order: str, charges: Sequence[Charge], records: Sequence[Record]) -> str:
    """Return the sentence that says why an order was charged a second time."""
    first, second = charges[:2]
    what = f"{order.capitalize()}, again at {second.time:.1f} s"
    if first.message_id != second.message_id:
        return f"{what}: no confirm came, so it was sent again."
    # One message, delivered again: the records of its first delivery say why that was not acked.
    for time, event, _, _, message_id, _, _, worker, receipt, detail in records:
        if message_id != first.message_id or receipt != first.receipt:
            continue
        if event == "lost_ack":
            return f"{what}: its ack was lost at {time:.1f} s."
        if event == "finished" and detail == "crashed":
            return f"{what}: {worker} died at {time:.1f} s before the ack."
        if event == "lease_lost":
            return f"{what}: its lease ended at {time:.1f} s, {first.worker} still at work."
    return f"{what}."


def _why_never(orders: Sequence[str], records: Sequence[Record]) -> tuple[str, str]:
    """Return one of these orders, the first of those with the most frequent cause, and the sentence
    that says why it was never charged; "" and "" if there is none.
    """
    # by order, the last time of each event, and the worker of the last try
    since: dict[str, dict[str, float]] = {order: {} for order in orders}
    workers: dict[str, str] = {}
    for time, event, _, _, message_id, _, _, worker, _, detail in records:
        order = order_of(message_id)
        if order in since:
            since[order]["crashed" if detail == "crashed" else event] = time
            if event == "started":
                workers[order] = worker
    causes = {order: _cause(times, workers.get(order, "")) for order, times in since.items()}
    kinds = Counter(kind for kind, _ in causes.values())
    for order, (kind, text) in causes.items():
        if kinds[kind] == max(kinds.values()):
            return order, f"{order.capitalize()}, never: {text}."
    return "", ""


def _cause(since: dict[str, float], worker: str) -> tuple[str, str]:
    """Return the kind of the cause why an order was never charged, and its description."""
    if "acked" in since:
        if "crashed" in since:
            return "acked", f"{worker} died at {since['crashed']:.1f} s, after the ack"
        return "stuck", f"{worker} acked it at {since['acked']:.1f} s and did not end"
    if "dead" in since:
        return "dead", f"it has been a dead letter since {since['dead']:.1f} s"
    back = max(since.get("lease_lost", -1.0), since["sent"])
    if since.get("started", -1.0) < back:
        return "waits", f"no worker has taken it since {back:.1f} s"
    return "held", f"{worker} has held it since {since['started']:.1f} s"


def expected_charges(
    before: float, harmless: float, back: float, tries: int, again: float
) -> list[float]:
    """Return the probabilities that an order is charged 0, 1, 2, … times, if its tries are
    independent of each other.

    With probability `before` a try ends before the charge; the message then comes back with
    probability `harmless`. Otherwise the card is charged; the message then comes back with
    probability `back`. There are at most `tries` tries. A share `again` of the orders is sent
    twice.
    """
    for name, value in (
        ("before", before),
        ("harmless", harmless),
        ("back", back),
        ("again", again),
    ):
        check.number(name, value, low=0, high=1)
    check.whole("tries", tries, low=1)
    # Both lists are by number of charges: the probability that the message has left the queue with
    # so many, and that it has so many and will be tried again.
    ended, going = [0.0] * (tries + 1), [1.0] + [0.0] * tries
    for _ in range(tries):
        after = [0.0] * (tries + 1)
        for charges, chance in enumerate(going):
            if chance:
                after[charges] += chance * before * harmless
                ended[charges] += chance * before * (1 - harmless)
                after[charges + 1] += chance * (1 - before) * back
                ended[charges + 1] += chance * (1 - before) * (1 - back)
        going = after
    # A message that comes back from its last try is a dead letter: its charges count as well.
    once = [a + b for a, b in zip(ended, going, strict=True)]
    # An order that is sent twice has the charges of two independent messages.
    both = [0.0] * (2 * tries + 1)
    for one, chance in enumerate(once):
        both[one] += (1 - again) * chance
        for other, more in enumerate(once):
            both[one + other] += again * chance * more
    return both
