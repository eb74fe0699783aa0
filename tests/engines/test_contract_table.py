"""The contract: a feature that the table calls unsupported, and that a call refuses for that
reason, is absent: if the call were not refused, the engine would still not do it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import MessagePriority, ThreadRuntime
from tests.engines.contract import rule
from tests.engines.queues import KINDS
from tests.engines.site import Site, get, get_ids, send_all

REFUSED = ("priority", "delay", "extend", "exact_size")  # by a call that asks for them


@pytest.fixture(autouse=True)
def nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls go on to the engine, whatever the table says."""
    monkeypatch.setattr("mqlearn.engines.adapter.EngineAdapter._need", lambda *told: None)


def orders_by_priority(site: Site) -> bool:
    """True if the urgent messages come first."""
    queue, priorities = site.open(), list(MessagePriority) * 3
    for number, priority in enumerate(priorities):
        queue.send(site.message(f"{priority.value}-{number:02d}", priority=priority))
    found = get_ids(queue, len(priorities))
    return [int(each[0]) for each in found] == sorted([1, 2, 3, 4] * 3, reverse=True)


def keeps_a_delay(site: Site) -> bool:
    """True if a delayed message comes after its delay, and not before."""
    queue, clock = site.open(), ThreadRuntime()
    start = clock.now
    queue.send(site.message("later"), delay=2.0)
    get(queue)
    return clock.now - start > 1.9


def extends_a_lease(site: Site) -> bool:
    """True if a worker still has its message after twice the lease."""
    queue, clock = site.open(lease=1.0), ThreadRuntime()
    queue.send(site.message("order-1"))
    held, start = get(queue), clock.now
    while clock.now < start + 2.0:
        if not queue.extend(held, 1.0) or queue.receive(timeout=0.3) is not None:
            return False
    return bool(queue.ack(held))


def counts_exactly(site: Site) -> bool:
    """True if it knows how many wait, whichever object has sent them."""
    queue = site.open()
    twin = site.twin(queue)
    send_all(queue, [site.message(f"ours-{number}") for number in range(3)])
    send_all(twin, [site.message(f"theirs-{number}") for number in range(4)])
    return bool(queue.size() == twin.size() == 7)


TRIED: dict[str, Callable[[Site], bool]] = dict(
    zip(REFUSED, (orders_by_priority, keeps_a_delay, extends_a_lease, counts_exactly), strict=True)
)


@pytest.mark.parametrize("feature", REFUSED)
@rule("what is refused as unsupported is absent, and nothing else")
def test_the_table_is_right(site: Site, feature: str) -> None:
    """Tried without the refusal, the feature works where the table has it, and only there."""
    try:
        works: Any = TRIED[feature](site)
    except (NotImplementedError, RuntimeError, ValueError, TypeError) as error:
        works = f"no: {error}"
    assert (works is True) == site.has(feature), works
    if not site.has(feature):
        site.says_no()


def test_some_kind_lacks_each_of_them() -> None:
    """Each of these is unsupported somewhere, so that both answers are tested."""
    for feature in REFUSED[:2]:
        assert {kind.has(feature) for kind in KINDS.values()} == {True, False}
