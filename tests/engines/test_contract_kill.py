"""The contract: the server is killed with signal 9 and started again, in the middle of the work.

A queue in memory has no server; it ends with its process.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mqlearn import Message, MessageProcessor, ThreadRuntime, Trace
from mqlearn.engines import EngineError
from mqlearn.runtime.books import UnbalancedBooks
from tests.engines.contract import rule
from tests.engines.site import Site, drain, finish, get, is_empty, send_all
from tests.engines.until import until

JOIN = 150.0  # seconds; a server needs up to two minutes to start on a busy machine
LATE = 3.0  # seconds without a message after which none is coming, after a restart
LEASE = 2.0  # seconds


def restart(site: Site) -> None:
    """Kill the server with signal 9, and start it again on what it has kept."""
    server = site.server
    server.kill()
    server.start()


@rule("server killed while sending: nothing confirmed is lost")
def test_killed_while_sending(site: Site) -> None:
    """A sender goes on through the restart. At most the one send in doubt is there twice. An engine
    that keeps its messages in memory loses what it had confirmed before, and the books say so.
    """
    if not site.kind.server:
        site.says_no()
        return
    trace, clock = Trace(), ThreadRuntime()
    queue = site.open(trace=trace)
    confirmed: list[str] = []

    def send() -> None:
        for each in (f"order-{number}" for number in range(150)):
            assert queue.send(site.message(each))
            confirmed.append(each)

    sending = clock.spawn(send)
    until(lambda: len(confirmed) >= 40, "some are confirmed")
    restart(site)
    before = len(confirmed)
    finish(sending)
    assert len(confirmed) == 150
    found = Counter(drain(queue, LATE))
    lost = [each for each in confirmed if each not in found]
    assert found.total() - len(found) <= 1, "sends that are there twice"
    if site.kind.durable:
        assert lost == []
        balance = trace.balance()
        assert balance.completed == found.total()
        assert balance.accepted == balance.completed + balance.dead
    else:
        site.says_no()
        assert lost == confirmed[: len(lost)] and 40 <= len(lost) <= before
        with pytest.raises(UnbalancedBooks, match="holds 0 entries waiting, its records say"):
            trace.balance()


@rule("server killed while handling: accepted = done + dead + held")
def test_killed_while_handling(site: Site) -> None:
    """Workers go on through the restart. What they held comes again, so that some are done twice,
    at most one for each worker; every message is done.
    """
    if not site.kind.server:
        site.says_no()
        return
    trace, handled = Trace(), Counter[str]()
    queue = site.open(lease=LEASE, retries=9, trace=trace)
    processor = MessageProcessor(queue, restart_after=0.1)

    def work(message: Message) -> None:
        queue.runtime.sleep(0.02)
        handled[message.id] += 1

    processor.register_processor("default", work)
    send_all(queue, [site.message(f"order-{number}") for number in range(60)])
    processor.start_workers(3)
    until(lambda: len(handled) >= 10, "some are done")
    site.server.kill()
    before = set(handled)
    site.server.start()
    if site.kind.durable:
        until(lambda: len(handled) == 60, "all are done")
        # not the balance yet: between an ack and its record it does not hold
        until(lambda: not any(queue.census().values()), "all are settled")
    processor.stop_workers(JOIN)
    if not site.kind.durable:
        site.says_no()
        assert is_empty(queue, LATE)
        assert len(handled) <= len(before) + 3
        with pytest.raises(UnbalancedBooks, match="holds 0 entries waiting, its records say"):
            trace.balance()
        return
    assert is_empty(queue, LATE)
    assert handled.total() - 60 <= 3 + site.kind.acks_lost, "handled twice"
    balance = trace.balance()
    assert (balance.completed, balance.dead, balance.waiting) == (60, 0, 0)
    assert balance.accepted == 60 and balance.in_flight == 0


@rule("a consumer that waits lives through a restart")
def test_a_waiting_consumer_reconnects(site: Site) -> None:
    """It waits in `receive` while the server is killed, and gets what is sent afterwards."""
    if not site.kind.server:
        site.says_no()
        return
    queue, clock = site.open(), ThreadRuntime()
    found: list[str] = []
    waiting = clock.spawn(lambda: found.append(get(queue, JOIN).id))
    restart(site)
    assert queue.send(site.message("late"))
    finish(waiting)
    assert found == ["late"]


@rule("a server that stays away: an error that says so")
def test_a_server_that_stays_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call waits for it, and then gives up with the name, the address and the time; workers that
    wait can be stopped meanwhile, and everything works once it is back.
    """
    if not site.kind.server:
        site.says_no()
        return
    trace = Trace()
    queue = site.open(trace=trace)
    processor = MessageProcessor(queue)
    handled: list[str] = []
    processor.register_processor("default", lambda message: handled.append(message.id))
    processor.start_workers(2)
    queue.send(site.message("first"))
    until(lambda: processor.metrics["processed"] == 1, "the first is done")
    site.server.kill()
    processor.stop_workers(60)
    monkeypatch.setattr("mqlearn.engines.adapter.PATIENCE", 1.0)
    calls: list[Any] = [lambda: queue.send(site.message("lost")), lambda: queue.receive(timeout=0)]
    calls += [queue.purge, queue.get_dead_letter_messages]
    for call in calls:
        with pytest.raises(EngineError) as refused:
            call()
        text = str(refused.value)
        assert (
            site.kind.server in text and queue.shown_url in text and "not answered for 1 s" in text
        )
    monkeypatch.undo()
    site.server.start()
    assert queue.send(site.message("second"))
    found = drain(queue, LATE)
    if site.kind.acks_lost and found[0] == "first":
        del found[0]  # its ack was lost
    # the send that failed was never confirmed: it may be there, but need not
    assert found in (["second"], ["lost", "second"])
    balance = trace.balance()
    assert balance.completed == balance.accepted


@rule("a send in doubt is made again: at most twice there")
def test_a_confirm_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has stored the message, and the connection ends before its confirm. No message is
    missing, and the books count a second copy as one.
    """
    if not site.kind.server:
        site.says_no()
        return
    trace = Trace()
    queue = site.open(trace=trace)
    publish, broken = queue._publish, list[str]()

    def publish_and_break(*told: Any) -> Any:
        key = publish(*told)
        if not broken:
            broken.append("the connection ended")
            raise queue.lost[0]("the connection ended")
        return key

    monkeypatch.setattr(queue, "_publish", publish_and_break)
    assert queue.send(site.message("order-1")) and queue.send(site.message("order-2"))
    found = Counter(drain(queue, LATE))
    assert set(found) == {"order-1", "order-2"} and found["order-2"] == 1
    assert found["order-1"] <= 2
    balance = trace.balance()
    assert balance.accepted == balance.completed == found.total()
    repeated = [record.event for record in trace.records if record.event == "repeated"]
    assert len(repeated) == found["order-1"] - 1


@rule("an ack in doubt: True, or done again")
def test_an_answer_to_an_ack_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has the ack, and the connection ends before it says so. If `ack` then answers
    True, the message does not come again; if False, it may.
    """
    if not site.kind.server:
        site.says_no()
        return
    trace = Trace()
    queue = site.open(lease=LEASE, trace=trace)
    ack, broken = queue._ack, list[str]()

    def ack_and_break(handle: Any) -> bool:
        answer: bool = ack(handle)
        if not broken:
            broken.append("the connection ended")
            raise queue.lost[0]("the connection ended")
        return answer

    monkeypatch.setattr(queue, "_ack", ack_and_break)
    queue.send(site.message("order-1"))
    delivery = queue.receive(timeout=30)
    assert delivery is not None
    answered = queue.ack(delivery)
    again = drain(queue, 1.5 * LEASE)
    assert again in ([], ["order-1"]) and not (answered and again)
    balance = trace.balance()
    assert balance.accepted == balance.completed + balance.waiting == 1
    if site.has("exact_size") or answered or again:
        assert balance.waiting == 0
