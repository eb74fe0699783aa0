"""The contract: unit 03's shop and its last exercise, on every engine."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest

from mqlearn import ThreadRuntime, Trace
from mqlearn.runtime.books import UnbalancedBooks
from mqlearn.study.run import Run
from mqlearn.units.delivery_guarantees import LiveCharges, check_handle
from tests.engines.contract import rule
from tests.engines.site import Site
from tests.engines.until import until


class PatientShop(LiveCharges):
    """The shop of unit 03, which waits longer for a server that starts on a busy machine."""

    WINDOW: ClassVar[float] = 240.0


SHOP = PatientShop(crash_rate=0.05, lost_acks=0.05)
RETRIES = 9  # the most that each engine allows: no order dies of this many failures
SEED = 1


def trade(site: Site, trace: Trace, *, kill_after: int | None = None) -> Run:
    """Return the run of the shop on a new queue; the server is killed after so many acks."""
    clock = ThreadRuntime()
    # a queue in memory keeps the clock that it is made with, and with it the seed of the draws
    own = {} if site.kind.server else {"runtime": clock.fresh(SEED)}
    queue = site.open(lease=SHOP.lease, retries=RETRIES, trace=trace, **own)

    def restart(acks: int) -> None:
        until(lambda: sum(r.event == "acked" for r in trace.records) >= acks, "the acks")
        site.server.kill()
        site.server.start()

    breaker = None if kill_after is None else clock.spawn(restart, kill_after)
    runtime = clock if site.kind.server else queue.runtime
    try:
        return SHOP.run(SEED, runtime=runtime, queue=queue)
    finally:
        if breaker is not None:
            breaker.join(150.0)


def duplicates(trace: Trace) -> int:
    """Return how many charges were made more than once for one order."""
    charges = Counter(record.detail for record in trace.records if record.event == "effect")
    return charges.total() - len(charges)


@rule("03's shop: accepted = done + dead + held, duplicates counted")
def test_the_shop(site: Site) -> None:
    """Each order is charged; one whose worker died or whose ack was lost is charged again, as often
    as in the simulation of the same seed, where no lease ended early.
    """
    trace, simulated = Trace(), SHOP.run(SEED)
    run = trade(site, trace)
    books = trace.balance()
    assert books.accepted == books.completed + books.dead == 200
    assert run.totals["never"] == 0
    assert duplicates(trace) == run.totals["charges"] - 200
    # a busy machine may add a lease that ended early, never a charge less
    assert run.totals["charges"] >= simulated.totals["charges"] - tolerance(site)
    assert run.totals["twice"] >= simulated.totals["twice"] - tolerance(site)


def tolerance(site: Site) -> int:
    """Return how many charges fewer there may be: each try meets the faults of its number, and one
    that an engine counts differently meets other ones.
    """
    return 0 if site.has("delivery_count") else 40


@rule("03's shop, the server killed in the middle")
def test_the_shop_whose_server_is_killed(site: Site) -> None:
    """Where the engine keeps what it confirmed, the books balance and no order is forgotten; where
    it keeps nothing, they say what was lost.
    """
    if not site.kind.server:
        site.says_no()
        return
    trace = Trace()
    if not site.kind.durable:
        site.says_no()
        with pytest.raises(UnbalancedBooks, match=r"entries .*, its records say"):
            trade(site, trace, kill_after=60)
        return
    run = trade(site, trace, kill_after=60)
    books = trace.balance()
    assert books.accepted == books.completed + books.dead
    assert books.accepted >= 200, "a send whose confirm was lost is made again"
    assert run.totals["never"] == 0
    assert run.totals["done"] == books.completed
    assert duplicates(trace) == run.totals["charges"] - 200


def by_order(order: Any, card: Any, store: Any) -> object:
    """Charge under the order's id: right."""
    return card.charge(order.body["order"], order.body["amount"])


def by_message(order: Any, card: Any, store: Any) -> object:
    """Charge under the message's id, which differs when an order is sent twice: wrong."""
    return card.charge(order.id, order.body["amount"])


@rule("03's handler is graded as in the simulation")
@pytest.mark.parametrize("handle", [by_order, by_message])
def test_a_handler_is_graded(site: Site, handle: Any) -> None:
    """The same function passes, or fails for the same reason, on the engine and in the simulation.
    Memory is what the simulation uses.
    """
    if not site.kind.server:
        assert check_handle(handle).ok == (handle is by_order)
        return
    queue = site.open(lease=2.0, retries=RETRIES, trace=Trace())
    verdict, simulated = check_handle(handle, queue=queue), check_handle(handle)
    assert verdict.ok == simulated.ok == (handle is by_order)
    if verdict.ok:
        assert verdict.text.startswith(f"passed: on {type(queue).__name__}, one seed, ")
    else:
        assert "for its second message" in verdict.text
        assert "for its second message" in simulated.text
