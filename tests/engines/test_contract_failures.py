"""The contract: a failure costs a retry, and the last one makes a dead letter with its reason."""

from __future__ import annotations

from mqlearn import ThreadRuntime
from tests.engines.contract import rule
from tests.engines.site import Site, get, is_empty, reasons
from tests.engines.until import until

LEASE = 1.0  # seconds


@rule("a nack brings the message back")
def test_a_failed_message_is_tried_again(site: Site) -> None:
    """It comes back at once, and says how often it was tried, where the engine counts."""
    queue = site.open(retries=3)
    queue.send(site.message("order-1", body={"n": 1}))
    tries = []
    for _ in range(3):
        delivery = get(queue)
        tries.append((delivery.attempt, delivery.retry_count))
        assert delivery.body == {"n": 1}
        assert queue.nack(delivery, reason="no stock") is True
    last = get(queue)
    assert queue.ack(last) is True
    tries.append((last.attempt, last.retry_count))
    if site.lacks("delivery_count"):
        assert tries != [(1, 0), (2, 1), (3, 2), (4, 3)]
    else:
        assert tries == [(1, 0), (2, 1), (3, 2), (4, 3)]


@rule("max_retries failures, then a dead letter")
def test_the_failure_after_the_last_retry_is_the_end(site: Site) -> None:
    """With one retry there are two tries; then the message waits nowhere but among the dead."""
    queue = site.open(retries=1)
    queue.send(site.message("order-1", body={"n": 1}))
    queue.send(site.message("order-2"))
    if site.lacks("delivery_count"):
        for _ in range(5):
            assert queue.nack(get(queue)) is True
        assert reasons(queue) == {}
        return
    for _ in range(4):
        assert queue.nack(get(queue), reason="no stock") is True
    assert is_empty(queue)
    until(lambda: len(reasons(queue)) == 2, "both are dead letters")
    letters = {letter.id: letter for letter in queue.get_dead_letter_messages()}
    assert letters["order-1"].body == {"n": 1}
    assert letters["order-1"].status.value == "dead_letter"


@rule("a dead letter says why")
def test_a_dead_letter_has_its_reason(site: Site) -> None:
    """Refused by its handler, or out of retries: the two are told apart."""
    queue = site.open(retries=1)
    for each in ("refused", "failed"):
        queue.send(site.message(each))
    seen = 0
    while seen < (3 if site.has("delivery_count") else 2):
        delivery = get(queue)
        seen += 1
        if delivery.id == "refused":
            assert queue.nack(delivery, requeue=False, reason="no such customer") is True
        elif site.has("delivery_count"):
            assert queue.nack(delivery) is True
        else:
            assert queue.ack(delivery) is True
    expected = {"refused", "failed"} if site.has("delivery_count") else {"refused"}
    until(lambda: set(reasons(queue)) == expected, "the dead letters are there")
    told = reasons(queue)
    if site.lacks("dead_letter_reason"):
        assert set(told.values()) == {""}
        return
    assert all(told.values()) and len(set(told.values())) == len(told)
    if site.kind.own_reasons:
        assert told["refused"] == "no such customer"
        assert told.get("failed", "retries exhausted") == "retries exhausted"


@rule("a lost lease on the last try: a dead letter")
def test_the_last_lost_lease_is_the_end(site: Site) -> None:
    """A worker that is silent on the last try leaves a dead letter, not a message that circles."""
    queue = site.open(lease=LEASE, retries=site.kind.fewest_retries)
    queue.send(site.message("order-1"))
    delivery = get(queue)
    for _ in range(site.kind.fewest_retries if site.has("lease") else 0):
        delivery = get(queue)
    if not (site.has("lease") and site.has("delivery_count")):
        site.says_no()
        assert reasons(queue) == {}
        return
    until(lambda: queue.receive(timeout=0) is None and reasons(queue), "it is a dead letter")
    assert list(reasons(queue)) == ["order-1"]
    assert queue.ack(delivery) is False


@rule("a release brings the message back")
def test_a_released_message_is_tried_again(site: Site) -> None:
    """Without costing a retry, where the engine can."""
    queue = site.open(retries=2)
    queue.send(site.message("order-1"))
    assert queue.release(get(queue)) is True
    assert queue.release(get(queue)) is True
    delivery = get(queue)
    if site.lacks("release_free"):
        assert delivery.retry_count == 2
    else:
        assert delivery.retry_count == 0
    assert queue.ack(delivery) is True
    assert is_empty(queue)


@rule("a message too old is not delivered")
def test_an_expired_message_is_not_delivered(site: Site) -> None:
    """It is a dead letter, and says that it expired; the one behind it is delivered."""
    queue, clock = site.open(), ThreadRuntime()
    queue.send(site.message("old", ttl=0.3))
    queue.send(site.message("fresh"))
    sent = clock.now
    until(lambda: clock.now > sent + 0.5, "it is too old")
    if site.lacks("ttl"):
        assert {get(queue).id, get(queue).id} == {"old", "fresh"}
        return
    assert get(queue).id == "fresh"
    assert is_empty(queue)
    until(lambda: reasons(queue), "it is a dead letter")
    assert list(reasons(queue)) == ["old"]
    assert "expire" in reasons(queue)["old"] or not site.kind.own_reasons
