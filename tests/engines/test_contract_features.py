"""The contract: the table of features, both ways. What it says is there works, and what it says is
unsupported is refused by name or, where there is no call to refuse, is seen to be absent.
"""

from __future__ import annotations

import pytest

from mqlearn import MessagePriority, ThreadRuntime
from mqlearn.engines import Unsupported
from mqlearn.engines.features import FEATURES, why
from tests.engines.contract import rule
from tests.engines.queues import KINDS
from tests.engines.site import Site, drain, get, get_ids, is_empty
from tests.engines.until import until

LOW, NORMAL, HIGH = MessagePriority.LOW, MessagePriority.NORMAL, MessagePriority.HIGH


@rule("the queue says what it has")
def test_a_queue_has_its_row_of_the_table(site: Site) -> None:
    """`features` is the row of its kind, and `why` has a sentence for each cell."""
    queue = site.open()
    assert set(site.kind.features) == set(FEATURES)
    if site.kind.server:
        assert queue.features == site.kind.features
        for feature, level in queue.features.items():
            assert why(site.kind.id, feature).startswith(f"{site.kind.id}, {feature}: {level}. ")


@rule("priority")
def test_the_urgent_come_first(site: Site) -> None:
    """A priority is obeyed, or refused before anything is sent."""
    queue = site.open()
    if site.lacks("priority"):
        with pytest.raises(Unsupported, match=r"priority is unsupported on \w+: ") as refused:
            queue.send(site.message("urgent", priority=HIGH))
        assert site.kind.id.split("_")[0] in str(refused.value)
        assert is_empty(queue)
        return
    for number, priority in enumerate((LOW, NORMAL, HIGH, NORMAL, MessagePriority.CRITICAL)):
        queue.send(site.message(f"{priority.name}-{number}", priority=priority))
    # the engine may already have handed the first ones to its client
    assert get_ids(queue, 5) == ["CRITICAL-4", "HIGH-2", "NORMAL-1", "NORMAL-3", "LOW-0"]


@rule("a delayed message comes later")
def test_a_delay_is_kept(site: Site) -> None:
    """A delay is obeyed, or refused before anything is sent."""
    queue, clock = site.open(), ThreadRuntime()
    if site.lacks("delay"):
        with pytest.raises(Unsupported, match=r"delay is unsupported on \w+: "):
            queue.send(site.message("later"), delay=1.0)
        assert is_empty(queue)
        return
    start = clock.now
    assert queue.send(site.message("later"), delay=1.0)
    assert queue.send(site.message("now"))
    assert get_ids(queue, 1) == ["now"]
    assert queue.size() == 1
    assert get_ids(queue, 1) == ["later"]
    assert clock.now - start > 0.95


@rule("a release may be delayed")
def test_a_release_comes_back_later(site: Site) -> None:
    """A delay is obeyed, or refused, and then the delivery is still the worker's."""
    queue, clock = site.open(), ThreadRuntime()
    queue.send(site.message("order-1"))
    delivery, start = get(queue), clock.now
    if site.lacks("delay"):
        with pytest.raises(Unsupported, match=r"delay is unsupported on \w+: "):
            queue.release(delivery, delay=1.0)
        assert queue.ack(delivery) is True
        return
    assert queue.release(delivery, delay=1.0) is True
    assert queue.ack(delivery) is False
    again = get(queue)
    assert clock.now - start > 0.95
    assert again.id == "order-1"
    if site.has("release_free"):
        assert again.retry_count == 0
    assert queue.ack(again) is True


@rule("the time to live begins when the delay is over")
def test_a_delayed_message_is_not_old(site: Site) -> None:
    """A message that lives 1 s is delivered after a delay of 2 s."""
    queue = site.open()
    if site.lacks("delay"):
        return
    queue.send(site.message("later", ttl=1.0), delay=2.0)
    assert get_ids(queue, 1) == ["later"]


@rule("order by key")
def test_one_key_is_one_line(site: Site) -> None:
    """While a message of a key is in flight, the next one of it waits, also for other workers;
    or else the two are in flight together.
    """
    queue = site.open()
    twin = site.twin(queue)
    for each in ("a-1", "a-2"):
        queue.send(site.message(each, topic="a", headers={"group": "a"}))
    first = get(queue)
    if site.lacks("order_by_key"):
        second = twin.receive(timeout=2) or get(queue)
        assert {first.id, second.id} == {"a-1", "a-2"}
        return
    assert first.id == "a-1"
    assert is_empty(twin, 1.0)
    queue.send(site.message("b-1", topic="b", headers={"group": "b"}))
    other = get(twin)
    assert other.id == "b-1" and twin.ack(other)
    assert queue.ack(first)
    assert get_ids(twin, 1) == ["a-2"]


@rule("no replay: what was acked does not come again")
def test_an_acked_message_is_gone(site: Site) -> None:
    """Not even for a new consumer that begins from nothing."""
    queue = site.open()
    queue.send(site.message("order-1"))
    assert get_ids(queue, 1) == ["order-1"]
    newcomer = site.twin(queue)
    if site.lacks("replay"):
        assert is_empty(newcomer) and not hasattr(queue, "seek")
        return
    pytest.fail("replay is declared, and the contract has no rule that shows it")


@rule("no groups: consumers share the messages")
def test_consumers_compete(site: Site) -> None:
    """Two consumers of a queue get each message once between them, not once each."""
    queue = site.open()
    twin = site.twin(queue)
    for number in range(6):
        queue.send(site.message(f"order-{number}"))
    found = [delivery.id for delivery in (get(queue), get(queue))]
    found += [*drain(twin), *drain(queue)]
    if site.lacks("groups"):
        assert sorted(found) == [f"order-{number}" for number in range(6)]
        return
    pytest.fail("groups are declared, and the contract has no rule that shows them")


@rule("no transactions: a send is visible at once")
def test_the_first_of_two_sends_is_visible(site: Site) -> None:
    """Nothing holds a send back until another one is made."""
    queue = site.open()
    queue.send(site.message("first"))
    if site.lacks("transactions"):
        assert get_ids(queue, 1) == ["first"]
        assert not hasattr(queue, "transaction")
        return
    pytest.fail("transactions are declared, and the contract has no rule that shows them")


def test_every_feature_has_a_rule() -> None:
    """Each name of the table is asked for somewhere in these files."""
    from pathlib import Path

    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_contract_*.py"))
    asked = {feature for feature in FEATURES if f'lacks("{feature}")' in text}
    assert asked == set(FEATURES)
    assert set(KINDS["memory"].features) == set(FEATURES)


@rule("a time to live outlives a restart of the consumer")
def test_age_counts_from_the_send(site: Site) -> None:
    """It is judged by when it was sent, not by when a consumer has come."""
    if site.lacks("ttl"):
        return
    queue, clock = site.open(), ThreadRuntime()
    queue.send(site.message("old", ttl=0.5))
    sent = clock.now
    until(lambda: clock.now > sent + 0.7, "it is too old")
    assert is_empty(site.twin(queue))
