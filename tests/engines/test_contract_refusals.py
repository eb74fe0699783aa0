"""The contract: bad input and bad servers. The error names engine, setting and value, and nothing
has changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import Simulation, ThreadRuntime
from mqlearn.engines import EngineError
from mqlearn.engines.servers.process import free_port
from tests.engines.contract import rule
from tests.engines.site import Site, get, get_ids, is_empty, send_all

LIMIT = 16 * 2**20  # bytes; a larger limit of an engine is made smaller for the test
FEW = 16  # bytes by which the envelopes of two sends may differ


def closed(site: Site) -> str:
    """Return an address like that of the server, where nothing listens."""
    head, _, _ = site.url.rpartition("127.0.0.1:")
    return f"{head}127.0.0.1:{free_port()}"


@rule("a server that is down: an error, soon")
def test_nothing_listens_there(site: Site) -> None:
    """A queue that cannot reach its server at first does not wait for it."""
    if not site.kind.server:
        site.says_no()
        return
    url, clock = closed(site), ThreadRuntime()
    start = clock.now
    with pytest.raises(EngineError) as refused:
        site.kind.make(url, site.name(), visibility_timeout=30.0, max_retries=3)
    assert clock.now - start < 30
    address = url.rpartition("@")[2]  # a password is not shown
    assert site.kind.server in str(refused.value) and address in str(refused.value)


@rule("a wrong URL: an error that shows it")
@pytest.mark.parametrize("url", ["", "nonsense", "http//127.0.0.1", "gopher://127.0.0.1:70/"])
def test_a_wrong_url_is_refused(site: Site, url: str) -> None:
    """Whatever the client makes of it, the error names the engine and the address."""
    if not site.kind.server:
        site.says_no()
        return
    with pytest.raises((EngineError, ValueError)) as refused:
        site.kind.make(url, site.name(), visibility_timeout=30.0, max_retries=3)
    assert "url" in str(refused.value) and repr(url) in str(refused.value)


@rule("a queue with other settings: an error that names the setting")
def test_other_settings_are_refused(site: Site) -> None:
    """Two users of one queue agree on its lease and its retries, or the second is refused and the
    first goes on.
    """
    queue = site.open(lease=30.0, retries=3)
    if not site.kind.server:
        site.says_no()
        return
    for other, setting, value in (
        ({"lease": 20.0}, "visibility_timeout", "20"),
        ({"retries": 2}, "max_retries", "2"),
    ):
        if not site.kind.settings_are_stored(setting):
            continue
        settings: dict[str, Any] = {"lease": 30.0, "retries": 3, **other}
        with pytest.raises(EngineError) as refused:
            site.twin(queue, **settings)
        text = str(refused.value)
        assert setting in text and f"got {value}" in text and site.kind.server in text
    queue.send(site.message("order-1"))
    assert get_ids(queue, 1) == ["order-1"]


@rule("a body that JSON cannot hold: TypeError")
@pytest.mark.parametrize(
    "body",
    [{"x": object()}, {"x": (1, 2)}, {1: "x"}, {"x": float("nan")}, {"x": b"raw"}],
    ids=["object", "tuple", "key", "nan", "bytes"],
)
def test_a_body_that_is_no_json_is_refused(site: Site, body: dict[str, Any]) -> None:
    """Also for one in the middle of many: then none of them is sent."""
    queue = site.open()
    if not site.kind.server:
        site.says_no()  # it passes the body on by reference
        queue.send(site.message("odd", body=body))
        assert get(queue).body is body
        return
    with pytest.raises(TypeError, match=r"body must .*, got "):
        queue.send(site.message("odd", body=body))
    with pytest.raises(TypeError, match=r"body must .*, got "):
        send_all(queue, [site.message("fine"), site.message("odd", body=body)])
    assert is_empty(queue)


@rule("a large body")
def test_a_large_body_survives(site: Site) -> None:
    """200,000 characters come back as they were."""
    queue = site.open()
    body = {"text": "0123456789" * 20_000}
    assert queue.send(site.message("large", body=body))
    found = get(queue)
    assert found.body == body and queue.ack(found)


@rule("a body over the limit: ValueError, nothing lost")
def test_a_body_over_the_limit_is_refused(site: Site) -> None:
    """Just under the limit it arrives; just over it, it is refused, alone and among others."""
    queue = site.open()
    if not site.kind.server:
        site.says_no()
        return
    queue.largest = min(queue.largest, LIMIT)
    text = "x" * (queue.largest - envelope_bytes(queue, site) - FEW)
    assert queue.send(site.message("full", body={"text": text}))
    more = {"text": text + 2 * FEW * "x"}
    with pytest.raises(ValueError, match=r"at most [\d,]+ bytes on \w+, .* got [\d,]+"):
        queue.send(site.message("full", body=more))
    with pytest.raises(ValueError, match="bytes"):
        send_all(queue, [site.message("fine"), site.message("full", body=more)])
    found = get(queue)
    assert found.body == {"text": text} and queue.ack(found)
    assert is_empty(queue)


def envelope_bytes(queue: Any, site: Site) -> int:
    """Return how many bytes a message without text makes, found by asking for too many."""
    largest, queue.largest = queue.largest, 1
    try:
        with pytest.raises(ValueError, match="bytes") as refused:
            queue.send(site.message("full", body={"text": ""}))
    finally:
        queue.largest = largest
    return int(str(refused.value).rpartition(" ")[2].replace(",", ""))


@rule("bad arguments: named, nothing changes")
def test_bad_arguments_are_refused(site: Site) -> None:
    """Each error names the parameter, the rule and the value."""
    queue = site.open()
    for call, error, match in (
        (lambda: queue.send("text"), TypeError, "message must be Message, got 'text'"),
        (lambda: queue.receive(timeout=-1), ValueError, "timeout must .*, got -1"),
        (lambda: queue.receive_many(0), ValueError, "n must .*, got 0"),
        (lambda: queue.ack(7), TypeError, "delivery must .*, got 7"),
        (lambda: queue.nack("m", requeue=1), TypeError, "requeue must .*, got 1"),
        (lambda: queue.nack("m", reason=1), TypeError, "reason must .*, got 1"),
        (lambda: queue.release("m", delay=-1), ValueError, "delay must .*, got -1"),
        (lambda: queue.send(site.message(), delay=-1), ValueError, "delay must .*, got -1"),
    ):
        with pytest.raises(error, match=match):
            call()  # type: ignore[no-untyped-call]
    with pytest.raises(ValueError, match=r"visibility_timeout must .*, got -1"):
        site.open(lease=-1.0)
    with pytest.raises(ValueError, match=r"max_retries must .*, got -1"):
        site.open(retries=-1) and site.message()
    if site.kind.server:
        with pytest.raises(TypeError, match="runtime must be"), Simulation() as simulation:
            site.open(runtime=simulation)
        for name in ("", "a b", "a/b", "é", "x" * 61):
            with pytest.raises(ValueError, match="name must be"):
                site.kind.make(site.url, name, visibility_timeout=30.0, max_retries=3)
    assert is_empty(queue)


@rule("a closed queue says so")
def test_a_closed_queue_refuses_every_call(site: Site) -> None:
    """Also the settling of what it has delivered; `close` twice is fine."""
    if not site.kind.server:
        site.says_no()
        return
    queue = site.open()
    queue.send(site.message("order-1"))
    held = get(queue)
    queue.close()
    queue.close()
    for call in (
        lambda: queue.send(site.message("late")),
        lambda: send_all(queue, [site.message("late")]),
        lambda: queue.receive(timeout=0),
        lambda: queue.receive_many(2, timeout=0),
        lambda: queue.ack(held),
        lambda: queue.nack(held),
        lambda: queue.release(held),
        queue.purge,
        queue.get_dead_letter_messages,
    ):
        with pytest.raises(EngineError, match=f"on {site.kind.server} is closed"):
            call()  # type: ignore[no-untyped-call]
