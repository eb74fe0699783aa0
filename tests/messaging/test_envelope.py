"""Who caused what, in which conversation, and how to read the body."""

from __future__ import annotations

from functools import partial

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, by_schema_version
from mqlearn.units.messages_and_queues.reply_to import check_reply_to


def test_replies_carry_one_conversation_and_name_their_cause() -> None:
    """Three steps of an order: the first message's id stays the correlation id, each names the one
    before.
    """
    order = Message(id="order-17", headers={"tenant": "shop-3", "type": "order"})
    charge = order.reply({"amount": 25.0}, new_id="charge-1", headers={"type": "charge"})
    parcel = charge.reply({"to": "Ada"}, new_id="parcel-9", schema_version="2")
    seen = [
        (
            m.id,
            m.correlation_id,
            m.causation_id,
            m.schema_version,
            m.headers["type"],
            m.headers["tenant"],
        )
        for m in (order, charge, parcel)
    ]
    assert seen == [
        ("order-17", "order-17", None, "", "order", "shop-3"),
        ("charge-1", "order-17", "order-17", "1", "charge", "shop-3"),
        ("parcel-9", "order-17", "charge-1", "2", "charge", "shop-3"),
    ]
    assert order.headers == {"tenant": "shop-3", "type": "order"}
    assert order.reply({}).id not in ("", order.id)


def test_the_helper_passes_the_exercise() -> None:
    """A reply made by the package is what students are asked to build by hand in exercise 01.2."""
    verdict = check_reply_to(lambda parent, body, new_id: parent.reply(body, new_id=new_id))
    assert str(verdict).startswith("passed")


def test_the_fate_of_the_parent_is_not_handed_on() -> None:
    """A reply to a message that died and was redriven is a new message: nothing says that it ever
    died.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        queue.send(Message(id="order-1", headers={"tenant": "a"}, max_retries=0))
        queue.nack(queue.receive(0) or "", reason="no answer")
        (letter,) = queue.get_dead_letter_messages()
        assert set(letter.reply({}).headers) == {
            "tenant",
            "correlation_id",
            "causation_id",
            "schema_version",
        }
        queue.redrive()
        again = queue.receive(0)
        assert again is not None and again.headers["redrive_count"] == "1"
        assert "redrive_count" not in again.reply({}).headers


def test_a_version_that_nobody_reads_is_dead_at_once_and_says_so() -> None:
    """Each version has its handler; an unknown one costs no retry and names itself and what is read
    here.
    """
    with Simulation() as sim:
        queue, read = InMemoryMessageQueue(runtime=sim), []
        processor = MessageProcessor(queue)
        processor.register_processor(
            "order",
            by_schema_version(
                {
                    version: partial(
                        lambda version, message: read.append((version, message.id)), version
                    )
                    for version in ("1", "2")
                }
            ),
        )
        for message_id, version in (
            ("old", "1"),
            ("new", "2"),
            ("next year's", "3"),
            ("nobody said", None),
        ):
            queue.send(
                Message(
                    id=message_id,
                    headers={"type": "order"}
                    | ({} if version is None else {"schema_version": version}),
                )
            )
        processor.start_workers(1)
        sim.run()
        assert read == [("1", "old"), ("2", "new")]
        assert [
            (m.headers["dead_letter_reason"], m.retry_count)
            for m in queue.get_dead_letter_messages()
        ] == [
            ("unknown schema: version '3', read here: '1', '2'", 0),
            ("unknown schema: version '', read here: '1', '2'", 0),
        ]


def test_a_handler_for_no_version_reads_what_says_none() -> None:
    """Messages from before there were versions can be read by whoever says that he can."""
    handler = by_schema_version({"": lambda message: "unversioned", "1": lambda message: "first"})
    assert [handler(Message()), handler(Message(headers={"schema_version": "1"}))] == [
        "unversioned",
        "first",
    ]


def test_later_changes_to_the_table_change_nothing() -> None:
    """The versions are those that were given."""
    table = {"1": lambda message: "first"}
    handler = by_schema_version(table)
    table.clear()
    assert handler(Message(headers={"schema_version": "1"})) == "first"
    with pytest.raises(ValueError, match="handlers must have one version at least"):
        by_schema_version(table)
