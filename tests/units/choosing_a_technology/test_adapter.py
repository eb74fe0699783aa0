"""Exercise 14.2: its check tells right from wrong, and replays what it saw."""

import pytest

from mqlearn.lab.show import as_run
from mqlearn.messaging.message import Message
from mqlearn.study.verdict import recall
from mqlearn.units.choosing_a_technology.adapter import EXERCISE, check_adapter
from tests.units.choosing_a_technology.adapters import (
    WRONG,
    Adapter,
    Ahead,
    ById,
    Deletes,
    DeletesFirst,
    GivesUp,
    Hopes,
    InHeaders,
    OneWireEach,
    StaleRaises,
)


@pytest.mark.parametrize("kind", [Adapter, InHeaders, OneWireEach])
def test_adapters_that_keep_the_contract_pass(kind):
    """The worked solution, and others that settle their own delivery."""
    assert check_adapter(kind).text.startswith("passed: 100 seeds, 2,000 orders, ")


@pytest.mark.parametrize("kind", WRONG)
def test_broken_adapters_are_caught(kind, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, kind) == WRONG[kind] >= 20
    assert not check_adapter(kind)


def test_another_workers_delivery_is_named_and_replayed():
    """The seed, the message, both attempts, the instant; the replay is that run."""
    verdict = check_adapter(ById)
    said = (
        "worker-2 settled attempt 1 of order-3 at 11.7 s, and with it attempt 2, which another "
        "worker was working on"
    )
    assert verdict.text == (
        f"not yet: seed 0: {said}. Hint: a message comes again under the same id: which handle is "
        "this delivery's own?"
    )
    run = as_run(recall(verdict.failing_seed))
    assert run.verdict == f"{said}." and run.charts == ("leases",)
    (acked,) = [r for r in run.trace.records if r.event == "acked" and r.message_id == "order-3"]
    assert acked.attempt == 2 and acked.time == pytest.approx(11.7, abs=0.05)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Hopes, "settle(order-4, attempt 1, True) said True at 6.1 s, but the engine did not"),
        (GivesUp, "said False at 6.1 s, but the engine still held it for this worker"),
        (StaleRaises, "expected True or False, it raised StaleHandle: h-3 is stale"),
        (Ahead, "received attempt 1 of order-3 at 10.5 s, after its visibility time had ended"),
        (Deletes, "order-7, attempt 1: the work was not done, and the message was deleted at 13.6"),
        (DeletesFirst, "one order, and no connection is lost: worker-0 received attempt 1 of o"),
    ],
)
def test_each_kind_of_mistake_has_its_sentence(kind, said):
    """Message and instant, in words."""
    assert said in check_adapter(kind).text


def test_an_untrue_no_is_told():
    """The engine had deleted it, and only the reply was lost."""

    class Doubts(InHeaders):
        def settle(self, delivery, done):
            before = self.wire
            return super().settle(delivery, done) and self.wire is before

    assert check_adapter(Doubts).text.endswith(
        "said False at 6.2 s, but the engine had done it. Hint: after a lost connection nothing "
        "is known: connect again, and ask again with the same handle"
    )


def test_what_is_received_must_be_a_packets_message():
    """Neither invented, nor handed out twice, nor anything else."""

    class Invents(InHeaders):
        def receive(self):
            message = super().receive()
            return message and Message(id=message.id, attempt=9)

    class Repeats(InHeaders):
        last = None

        def receive(self):
            self.last = self.last or super().receive()
            return self.last

    class Raw(InHeaders):
        def receive(self):
            return self.call("fetch")

    assert "received attempt 9 of order-1 at 0.2 s, but no packet had this id and attempt" in (
        check_adapter(Invents).text
    )
    assert "received attempt 1 of order-3 at 1.3 s, a second time" in check_adapter(Repeats).text
    assert "expected a Message or None, it returned Packet(" in check_adapter(Raw).text


def test_an_adapter_that_does_nothing_is_not_done():
    """Safe, and no answer: the order is named."""

    class Idle:
        def __init__(self, connect):
            pass

        def receive(self):
            return None

        def settle(self, delivery, done):
            return False

    text = check_adapter(Idle).text
    assert "one order, and no connection is lost: order-1 is not done after 5 minutes" in text


def test_an_adapter_that_connects_forever_is_ended():
    """It never makes an object."""

    def stuck(connect):
        while True:
            connect()

    assert "expected an object with receive() and settle(delivery, done)" in (
        check_adapter(stuck).text
    )
