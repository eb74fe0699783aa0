"""A queue against its model: whatever is called in whatever order, they agree after every call."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, RetryPolicy
from tests.messaging.pair import Pair
from tests.messaging.walk import walk

ids = st.sampled_from(["a", "b", "c"])  # few: the same id is often sent again
delays = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 5.0])
instants = st.integers(1, 6).map(float)  # s, whole: many things are due at one instant
priorities = st.just(MessagePriority.NORMAL) | st.sampled_from(MessagePriority)
messages = st.builds(
    Message,
    id=ids,
    priority=priorities,
    max_retries=st.integers(0, 2),
    ttl=st.sampled_from([3600, 3600, 2, 4]),
)
retries = st.none() | st.builds(
    RetryPolicy,
    base=st.sampled_from([1.0, 2.0]),
    factor=st.sampled_from([1.0, 2.0]),
    cap=st.sampled_from([3.0, 60.0]),
    jitter=st.sampled_from(["none", "full", "equal"]),
)
reasons = st.none() | st.just("no such card")
settling = st.one_of(
    st.tuples(st.sampled_from(["ack", "nack", "nack", "reject"]), reasons),
    st.tuples(st.just("release"), delays),
    st.tuples(st.just("extend"), instants),
)
calls = st.sampled_from(["ack", "nack", "reject", "release"])


class QueueMachine(RuleBasedStateMachine):
    """What may be called, in any order."""

    pair: Pair | None = None

    @initialize(
        max_size=st.integers(1, 8),
        lease=st.none() | st.sampled_from([3.0, 5.0]),
        retry=retries,
        on_full=st.sampled_from(["reject", "block", "drop_oldest"]),
    )
    def begin(
        self, max_size: int, lease: float | None, retry: RetryPolicy | None, on_full: str
    ) -> None:
        self.pair = Pair(InMemoryMessageQueue, max_size, lease, retry, on_full)

    @rule(
        batch=st.lists(messages, min_size=1, max_size=4),
        delay=delays,
        timeout=st.sampled_from([0.0, 0.5]),
    )
    def send(self, batch: list[Message], delay: float, timeout: float) -> None:
        for message in batch:
            self.pair.send(message, delay, timeout)

    @rule(message=messages)
    def wait_for_room(self, message: Message) -> None:
        self.pair.wait_for_room(message)

    @rule(n=st.integers(1, 4), timeout=st.sampled_from([0.0, 0.0, 0.5, 2.5]))
    def take(self, n: int, timeout: float) -> None:
        self.pair.take(n, timeout)

    @rule(chosen=st.lists(st.tuples(st.integers(0, 5), settling), min_size=1, max_size=3))
    def settle(self, chosen: list[tuple[int, tuple[str, Any]]]) -> None:
        for which, (call, argument) in chosen:
            self.pair.settle_held(which, call, argument)

    @rule(way=settling)
    def work(self, way: tuple[str, Any]) -> None:
        self.pair.take(1, 0)
        self.pair.settle_held(-1, *way)

    @rule(which=st.integers(0, 20), call=calls)
    def settle_late_or_twice(self, which: int, call: str) -> None:
        self.pair.settle_past(which, call)

    @rule(message_id=ids, call=calls, made_up=st.booleans())
    def settle_by_id_or_made_up(self, message_id: str, call: str, made_up: bool) -> None:
        (self.pair.settle_made_up if made_up else self.pair.settle_by_id)(message_id, call)

    @rule(seconds=instants)
    def advance(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @rule(
        call=st.sampled_from(["redrive", "discard", "purge", "wake"]),
        chosen=st.sampled_from(["", "a", "bc"]),
        limit=st.none() | st.integers(0, 2),
    )
    def operate(self, call: str, chosen: str, limit: int | None) -> None:
        if call in ("redrive", "discard"):
            getattr(self.pair, call)(chosen, limit)
        else:
            getattr(self.pair, call)()

    def teardown(self) -> None:
        if self.pair is not None:
            self.pair.close()


# A busy machine draws slowly; that says nothing about the queue.
QueueMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestQueueAgainstItsModel = QueueMachine.TestCase


@pytest.mark.parametrize("hundred", range(6))
def test_long_random_walks_agree_with_the_model(hundred: int) -> None:
    """Eighty calls each, on queues of every setting, whatever is due when."""
    for seed in range(100 * hundred, 100 * hundred + 100):
        walk(seed)
