"""A queue on Pulsar, on a genuine server: what no other engine has."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mqlearn import Message, Trace
from mqlearn.engines import EngineError, PulsarQueue
from mqlearn.engines.pulsar_admin import PulsarAdmin
from tests.engines.site import get, get_ids, reasons
from tests.engines.until import until


@pytest.fixture
def url(servers: Any) -> str:
    """The address of a running server."""
    return str(servers.url("pulsar"))


@pytest.fixture
def name() -> str:
    """A name that no other queue has."""
    return f"p-{Message().id[:8]}"


def test_the_address_for_administration(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes with the URL, else from the environment, else it is Pulsar's usual port."""
    monkeypatch.delenv("MQLEARN_PULSAR_ADMIN_URL", raising=False)
    assert PulsarAdmin("pulsar://h:1?admin=http://w:2/").url == "http://w:2"
    assert PulsarAdmin("pulsar://h:1").url == "http://h:8080"
    monkeypatch.setenv("MQLEARN_PULSAR_ADMIN_URL", "http://env:3")
    assert PulsarAdmin("pulsar://h").url == "http://env:3"
    assert PulsarAdmin("pulsar://h").service == "pulsar://h:6650"
    with pytest.raises(ValueError, match=r"url must be pulsar://host:port\?admin=.* got 'http://h"):
        PulsarAdmin("http://h:1")


def test_a_server_that_is_down_or_has_no_administration(url: str, name: str) -> None:
    """A closed port is an error at once, also that of the administration."""
    with pytest.raises(
        EngineError, match=r"pulsar does not answer: .* got 'pulsar://127\.0\.0\.1:1'"
    ):
        PulsarQueue("pulsar://127.0.0.1:1", name)
    with pytest.raises(EngineError, match=r"pulsar does not answer at http://127\.0\.0\.1:1/admin"):
        PulsarQueue(url.split("?", maxsplit=1)[0] + "?admin=http://127.0.0.1:1", name)


def test_an_idle_consumer_keeps_no_message_from_others(url: str, name: str) -> None:
    """One that has looked and found nothing has asked for a message. What it then gets, it passes
    on within a second or so, and that is no failure.
    """
    with PulsarQueue(url, name) as idle, PulsarQueue(url, name) as busy:
        assert idle.receive(timeout=0) is None
        for number in range(3):
            busy.send(Message(f"order-{number}"))
        found = [get(busy) for _ in range(3)]
        assert sorted(each.id for each in found) == ["order-0", "order-1", "order-2"]
        assert {(each.attempt, each.retry_count) for each in found} == {(1, 0)}
        assert busy.ack_many(found) == 3
        until(lambda: busy.size() == 0, "nothing is left, no copy either")


def test_a_message_that_comes_late_is_this_process_own(url: str, name: str) -> None:
    """The next receive of the same process gets what an earlier one has asked for."""
    with PulsarQueue(url, name) as queue:
        assert queue.receive(timeout=0) is None
        queue.send(Message("late"))
        assert get_ids(queue, 1) == ["late"]


def test_the_count_goes_on_in_a_delayed_copy(url: str, name: str) -> None:
    """Pulsar delays only what is sent: a release with a delay is a copy, of the same entry, and the
    failures before it count.
    """
    trace = Trace()
    with PulsarQueue(url, name, max_retries=2, trace=trace) as queue:
        queue.send(Message("order-1"))
        queue.nack(get(queue))
        second = get(queue)
        assert (second.attempt, second.retry_count) == (2, 1)
        assert queue.release(second, delay=0.3)
        assert trace.balance().delayed == 1
        third = get(queue)
        assert (third.attempt, third.retry_count) == (2, 1)
        queue.nack(third)
        queue.nack(get(queue))
        assert reasons(queue) == {"order-1": "retries exhausted"}
        assert trace.balance().dead == 1
        assert {record.entry for record in trace.records} == {1}


def test_a_purge_leaves_what_this_process_holds(url: str, name: str) -> None:
    """Pulsar skips all. What fails afterwards is sent again, with its count; a purge is refused
    while another process holds something.
    """
    trace = Trace()
    with PulsarQueue(url, name, trace=trace) as queue, PulsarQueue(url, name) as other:
        queue.send(Message("order-1"))
        held = get(queue)
        with pytest.raises(EngineError, match="purge cannot leave 1 messages that others have"):
            other.purge()
        queue.send(Message("order-2"))
        assert queue.purge() == 1 and trace.balance().in_flight == 1
        assert queue.nack(held)
        again = get(queue)
        assert (again.id, again.attempt, again.retry_count) == ("order-1", 2, 1)
        assert queue.ack(again)
        assert (trace.balance().completed, trace.balance().purged) == (1, 1)


def test_nothing_runs_on_after_close(url: str, name: str) -> None:
    """A closed queue has no consumer at the server and no thread here. What it held comes back, and
    since no consumer was left in between, Pulsar counts from the beginning.
    """
    with PulsarQueue(url, name) as queue:
        queue.send(Message("order-1"))
        get(queue)
        queue.receive(timeout=0)
        before = threading.active_count()
    assert threading.active_count() <= before
    with PulsarQueue(url, name) as after:
        again = get(after)
        assert (again.id, again.attempt) == ("order-1", 1)
        assert after.ack(again)
        admin = PulsarAdmin(url)
        _, consumers = admin.backlog(f"mqlearn-{name}", "workers")
        assert len(consumers) == 1
        after.delete()
