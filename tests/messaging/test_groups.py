"""Message groups: the order of each is kept, whatever fails, while the groups go their own way."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from random import Random
from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageGroupQueue,
    MessagePriority,
    MessageProcessor,
    RetryPolicy,
    Simulation,
    Trace,
    WorkerCrash,
)
from tests.messaging.walk import walk


def send(queue: InMemoryMessageQueue, *ids: str, **fields: object) -> None:
    """The group is the first letter."""
    for each in ids:
        assert queue.send(Message(id=each, headers={"group": each[0]}, **fields))  # type: ignore[arg-type]


def taken(queue: InMemoryMessageQueue) -> list[Message]:
    """All that can be had at once."""
    return queue.receive_many(100, timeout=0)


def names(messages: list[Message]) -> list[str]:
    """Their ids."""
    return [message.id for message in messages]


def test_one_of_each_group_is_in_flight_and_the_next_follows_when_it_is_gone(
    sim: Simulation,
) -> None:
    """Two groups flow side by side; the settled one's next comes, the other's waits."""
    queue = MessageGroupQueue(runtime=sim)
    send(queue, "a1", "a2", "b1", "a3", "b2")
    first = taken(queue)
    assert names(first) == ["a1", "b1"] and queue.size() == 3
    queue.ack(first[0])
    (a2,) = taken(queue)
    queue.nack(a2)
    assert names(taken(queue)) == ["a2"], "it comes again before a3"
    queue.ack(first[1])
    assert names(taken(queue)) == ["b2"]


def test_whoever_waits_is_woken_when_the_next_of_a_group_may_come(sim: Simulation) -> None:
    """The first is settled by one worker, and another, who was waiting, gets the second at that
    instant.
    """
    queue, got = MessageGroupQueue(runtime=sim), []
    send(queue, "a1", "a2")
    (a1,) = taken(queue)
    sim.spawn(lambda: got.append((queue.receive(), sim.now)))
    sim.call_at(3, lambda: queue.ack(a1))
    sim.run()
    assert [(message.id, at) for message, at in got if message] == [("a2", 3.0)]


@pytest.mark.parametrize("retry", [None, RetryPolicy(base=5.0, jitter="none")])
def test_a_failing_message_holds_up_its_own_group_until_it_is_dead(
    sim: Simulation, retry: RetryPolicy | None
) -> None:
    """Delayed or not, nothing overtakes it in its group; other groups are done long before."""
    queue = MessageGroupQueue(runtime=sim, retry=retry)
    done: list[tuple[float, str]] = []

    def handle(message: Message) -> bool:
        if message.id == "a1":
            return False
        done.append((sim.now, message.id))
        return True

    processor = MessageProcessor(queue)
    processor.register_processor("default", handle)
    send(queue, "a1", "b1", "a2", "b2")
    processor.start_workers(3)
    sim.run()
    buried = 0.0 if retry is None else 5.0 + 10.0 + 20.0
    assert sorted(done) == sorted([(0.0, "b1"), (0.0, "b2"), (buried, "a2")])
    assert names(queue.get_dead_letter_messages()) == ["a1"]


def test_groups_take_turns_and_a_priority_moves_only_the_first_of_its_group(
    sim: Simulation,
) -> None:
    """A group with many messages does not starve one with a single message that came later."""
    queue = MessageGroupQueue(runtime=sim)
    send(queue, "a1", "a2", "a3", "b1")
    send(queue, "a4", "c1", priority=MessagePriority.HIGH)
    order = []
    while (message := queue.receive(0)) is not None:
        order.append(message.id)
        queue.ack(message)
    assert order == ["c1", "a1", "b1", "a2", "a3", "a4"]


def test_redrive_purge_drop_and_expiry_free_the_group(sim: Simulation) -> None:
    """However the first of a group goes, the next has its turn; one in flight keeps its group
    through a purge.
    """
    trace = Trace()
    queue = MessageGroupQueue(3, on_full="drop_oldest", runtime=sim, trace=trace)
    send(queue, "a1", "a2", "a3", "a4")  # a1 is dropped
    (a2,) = taken(queue)
    assert a2.id == "a2"
    send(queue, "a5", "a6")  # a3 is dropped although it stands behind one in flight
    assert names([entry.message for entry in queue._ready]) == ["a4", "a5", "a6"]
    assert queue.purge() == 3
    send(queue, "a7")
    assert taken(queue) == []
    queue.nack(a2, requeue=False)
    send(queue, "a8", ttl=1)
    (a7,) = taken(queue)
    sim.run(until=2)
    queue.ack(a7)
    send(queue, "a9")
    assert names(taken(queue)) == ["a9"], "a8 has expired"
    assert queue.redrive() == 2
    assert taken(queue) == [], "a9 is in flight"
    assert trace.balance().accepted == 9 and trace.balance().waiting == 2


def test_by_default_a_message_without_group_is_a_group_of_its_own(sim: Simulation) -> None:
    """It never waits for another; `group` may be any function of the message, and must give a
    string.
    """
    queue = MessageGroupQueue(runtime=sim)
    for _ in range(3):
        queue.send(Message())
    assert len(taken(queue)) == 3
    by_customer = MessageGroupQueue(runtime=sim, group=lambda message: message.body["customer"])
    by_customer.send(Message(body={"customer": "anna"}))
    by_customer.send(Message(body={"customer": "anna"}))
    assert len(taken(by_customer)) == 1
    with pytest.raises(TypeError, match="group must be str, got 5"):
        by_customer.send(Message(body={"customer": 5}))
    assert by_customer.size() == 1


def alone(*args: Any, **options: Any) -> MessageGroupQueue:
    """A queue in which each message is a group of its own, whatever its id."""
    numbers = count()
    return MessageGroupQueue(*args, group=lambda _: str(next(numbers)), **options)


def test_where_each_message_is_a_group_it_is_the_plain_queue() -> None:
    """A hundred random walks of eighty calls agree with the plain queue's model after every
    call.
    """
    for seed in range(100):
        walk(seed, alone)


def rough_day(seed: int, make: type[InMemoryMessageQueue]) -> list[str]:
    """Five groups, four workers, failures, crashes, delays: what went wrong with order or
    exclusion.
    """
    with Simulation(seed) as sim:
        dice, trace, wrong = Random(seed), Trace(), []
        queue = make(
            visibility_timeout=6.0,
            retry=dice.choice((None, RetryPolicy(2.0))),
            runtime=sim,
            trace=trace,
        )
        inside: dict[str, set[int]] = defaultdict(set)
        last: dict[str, int] = defaultdict(int)

        def handle(message: Message) -> bool:
            group, number = message.headers["group"], int(message.id)
            if inside[group] - {number}:
                wrong.append(f"{group}: {number} beside {inside[group]}")
            if dice.random() < 0.1:
                raise WorkerCrash
            inside[group].add(number)
            sim.sleep(5 * dice.random())
            inside[group].discard(number)
            if number < last[group]:
                wrong.append(f"{group}: {number} after {last[group]}")
            last[group] = max(last[group], number)
            return dice.random() < 0.7

        processor = MessageProcessor(queue)
        processor.register_processor("default", handle)
        processor.start_workers(4)
        for number in range(1, 61):
            queue.send(
                Message(id=str(number), headers={"group": dice.choice("abcde")}, max_retries=50)
            )
        sim.run()
        books = trace.balance()
        assert books.completed == 60 and books.waiting == 0
    return wrong


def test_thirty_rough_days_keep_each_groups_order() -> None:
    """No message of a group is handled beside another or after a later one; a queue without groups
    does both.
    """
    for seed in range(30):
        assert rough_day(seed, MessageGroupQueue) == [], f"seed {seed}"
        assert rough_day(seed, InMemoryMessageQueue), f"seed {seed}: the test would not see it"
