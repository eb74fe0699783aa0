"""A queue on SQS, on a genuine ElasticMQ: what no other engine has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from mqlearn import Message, ThreadRuntime, Trace
from mqlearn.engines import EngineError, SQSQueue, Unsupported
from mqlearn.runtime.books import UnbalancedBooks
from tests.engines.site import drain, get, reasons
from tests.engines.until import until


@pytest.fixture
def url(servers: Any) -> str:
    """The address of a running server."""
    return str(servers.url("sqs"))


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    """What an operator uses: a client of SQS that knows nothing of the course."""
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    client = boto3.client("sqs", endpoint_url=url, **keys)
    yield client
    client.close()


@pytest.fixture
def http_server() -> Iterator[str]:
    """The address of a server that has web pages, and no queues."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    runtime = ThreadRuntime()
    serving = runtime.spawn(server.serve_forever)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    serving.join(30)


def at(client: Any, name: str) -> str:
    """The address of a queue on the server."""
    return str(client.get_queue_url(QueueName=name)["QueueUrl"])


def visible(client: Any, name: str) -> int:
    """How many messages of a queue any consumer could receive now."""
    attribute = "ApproximateNumberOfMessages"
    found = client.get_queue_attributes(QueueUrl=at(client, name), AttributeNames=[attribute])
    return int(found["Attributes"][attribute])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"visibility_timeout": 0.5}, "visibility_timeout must be at least 1, got 0.5"),
        ({"visibility_timeout": 1.5}, "visibility_timeout must be whole seconds on sqs, got 1.5"),
        ({"visibility_timeout": 43_201}, "visibility_timeout must be at most 43200, got 43201"),
        ({"max_retries": 1000}, "max_retries must be at most 999, got 1000"),
    ],
)
def test_settings_that_sqs_cannot_have(settings: dict[str, Any], text: str) -> None:
    """They are refused by name before the server is asked."""
    with pytest.raises(ValueError, match=text):
        SQSQueue("http://127.0.0.1:1", "orders", **settings)


def test_delays_are_whole_seconds_up_to_900(url: str) -> None:
    """A send with another delay is refused, and stores nothing."""
    with SQSQueue(url, "delays") as queue:
        with pytest.raises(ValueError, match=r"delay must be whole seconds on sqs, got 0\.5"):
            queue.send(Message(), delay=0.5)
        with pytest.raises(ValueError, match="delay must be at most 900, got 901"):
            queue.send(Message(), delay=901)
        assert queue.size() == 0


def test_other_settings_are_refused(url: str) -> None:
    """The error names the setting, the value of the queue and the value that was asked for."""
    with SQSQueue(url, "agreed", visibility_timeout=7, max_retries=2):
        with pytest.raises(EngineError, match=r"visibility_timeout must be 7, as .* got 8"):
            SQSQueue(url, "agreed", visibility_timeout=8, max_retries=2)
        with pytest.raises(EngineError, match=r"max_retries must be 2, as .* got 3"):
            SQSQueue(url, "agreed", visibility_timeout=7, max_retries=3)


def test_the_retries_are_the_redrive_policy_of_the_queue(url: str, client: Any) -> None:
    """The first delivery and each retry is a receive, and the server has that limit."""
    with SQSQueue(url, "policy", visibility_timeout=9, max_retries=4):
        found = client.get_queue_attributes(
            QueueUrl=at(client, "mqlearn-policy"), AttributeNames=["All"]
        )["Attributes"]
    policy = json.loads(found["RedrivePolicy"])
    assert (found["VisibilityTimeout"], policy["maxReceiveCount"]) == ("9", 5)
    assert policy["deadLetterTargetArn"].endswith(":mqlearn-policy-dead")


def test_a_url_is_that_of_an_sqs_server(http_server: str) -> None:
    """Another scheme, a port that is closed, and a server of web pages each have an error."""
    with pytest.raises(ValueError, match=r"url must be http://host:port, got 'redis://h:1'"):
        SQSQueue("redis://h:1", "orders")
    with pytest.raises(EngineError, match=r"sqs does not answer: url must be .*127\.0\.0\.1:1'"):
        SQSQueue("http://127.0.0.1:1", "orders")
    with pytest.raises(EngineError, match=f"sqs at {http_server} "):
        SQSQueue(http_server, "orders")


def test_sqs_moves_a_spent_message_at_the_next_receive(url: str, client: Any) -> None:
    """After its last lease it is visible to all, and here it counts as in flight; a receive moves
    it, and then it is dead in the census, in the records and by its reason.
    """
    trace = Trace()
    with SQSQueue(url, "spent", visibility_timeout=1, max_retries=0, trace=trace) as queue:
        queue.send(Message("order-1"))
        held = get(queue)
        until(lambda: not queue.is_current(held), "its lease ends")
        until(lambda: visible(client, "mqlearn-spent") == 1, "the server shows it again")
        assert queue.census() == {"waiting": 0, "delayed": 0, "in flight": 1, "dead": 0}
        assert trace.balance().in_flight == 1
        assert queue.ack(held) is False
        assert queue.receive(timeout=0) is None
        assert queue.census() == {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 1}
        assert trace.balance().dead == 1
        assert reasons(queue) == {"order-1": "retries exhausted"}
        assert [record.event for record in trace.records] == ["sent", "received", "stale", "dead"]


def test_a_worker_that_waits_notices_it(url: str) -> None:
    """A consumer that goes on receiving makes the server move it, and the record follows."""
    trace = Trace()
    with SQSQueue(url, "noticed", visibility_timeout=1, max_retries=0, trace=trace) as queue:
        queue.send(Message("order-1"))
        get(queue)
        dead = lambda: any(record.event == "dead" for record in trace.records)
        assert queue.receive(timeout=30, cancelled=dead) is None and dead()


def test_dead_letters_are_read_and_stay_as_they_are(url: str, client: Any) -> None:
    """More than one request holds; afterwards each is there again, and visible to others."""
    with SQSQueue(url, "letters") as queue:
        for number in range(23):
            queue.send(Message(f"order-{number}"))
            queue.nack(get(queue), requeue=False, reason=f"no {number}\0")
        expected = {f"order-{number}": f"no {number}\0" for number in range(23)}
        assert reasons(queue) == expected and reasons(queue) == expected
        assert [letter.id for letter in queue.get_dead_letter_messages()] == list(expected)
        assert visible(client, "mqlearn-letters-dead") == 23


def test_a_large_message_and_its_reason_fit(url: str) -> None:
    """The largest message is delivered and buried with a long reason, cut; one byte more is refused
    by its size.
    """
    with SQSQueue(url, "large") as queue:
        with pytest.raises(ValueError, match="message must have at most 260,096 bytes on sqs, env"):
            queue.send(Message("m", body={"text": "x" * 260_096}))
        assert queue.send(Message("m", body={"text": "x" * 259_800}))
        assert queue.nack(get(queue), requeue=False, reason="é" * 5_000)
        (letter,) = queue.get_dead_letter_messages()
        assert letter.headers["dead_letter_reason"].startswith("éééé")
        assert letter.headers["dead_letter_reason"].endswith("é…")


def test_batches_hold_what_a_request_may_hold(url: str) -> None:
    """Ten messages of 100 kB are too much for one request; 25 small ones are three."""
    with SQSQueue(url, "batches") as queue:
        assert queue.send_many([Message(body={"text": "x" * 100_000}) for _ in range(10)]) == 10
        assert queue.send_many([Message() for _ in range(25)]) == 25
        batch = queue.receive_many(40, timeout=30)
        assert len(batch) == 35
        assert queue.ack_many([*batch, batch[0]]) == 35
        assert queue.census() == {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 0}


def test_a_release_with_a_delay_counts_as_delayed(url: str) -> None:
    """SQS only hides it, as if it were in flight; the census and the records say delayed until it
    is due, parts of a second rounded up.
    """
    trace = Trace()
    with SQSQueue(url, "later", trace=trace) as queue:
        queue.send(Message("order-1"))
        assert queue.release(get(queue), delay=0.5)
        assert trace.balance().delayed == 1
        until(lambda: queue.size() == 1 and queue.census()["waiting"] == 1, "it is due")
        until(lambda: trace.balance().waiting == 1, "the records say so")
        assert [(record.event, record.detail) for record in trace.records] == [
            ("sent", None),
            ("received", None),
            ("postponed", 1),
            ("due", None),
        ]


def test_purge_leaves_what_is_in_flight(url: str) -> None:
    """SQS throws away all: what this process holds is sent again if it fails, and a purge is
    refused while another process holds something.
    """
    trace = Trace()
    with SQSQueue(url, "purged", trace=trace) as queue:
        queue.send_many([Message(f"order-{number}") for number in range(4)])
        held = get(queue)
        assert queue.purge() == 3
        queue.send(Message("later"), delay=900)
        assert queue.purge() == 1 and trace.balance().in_flight == 1
        with SQSQueue(url, "purged") as other:
            other.send(Message("for-us"))
            second = get(queue)
            with pytest.raises(EngineError, match="purge cannot leave 1 messages that others have"):
                other.purge()
        assert queue.ack(second)
        assert queue.nack(held)
        again = get(queue)
        assert (again.id, again.attempt, again.retry_count) == (held.id, 2, 1)
        assert queue.ack(again) and trace.balance().completed == 2


def test_an_operator_moves_dead_letters_back(url: str, client: Any) -> None:
    """SQS's own redrive: the record says so, and the message has a retry less than a new one."""
    trace = Trace()
    with SQSQueue(url, "redriven", trace=trace) as queue:
        queue.send(Message("order-1"))
        queue.nack(get(queue), requeue=False, reason="no stock")
        arn = client.get_queue_attributes(
            QueueUrl=at(client, "mqlearn-redriven-dead"), AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        target = arn.removesuffix("-dead")
        client.start_message_move_task(SourceArn=arn, DestinationArn=target)
        assert queue.ack(get(queue))
        until(lambda: queue.census()["dead"] == 0, "the letter is gone")
        assert trace.balance().completed == 1


def test_a_killed_elasticmq_loses_all_and_the_books_say_so(servers: Any) -> None:
    """It keeps its queues in memory: the next call makes them again, empty. What is sent then
    arrives, and the balance names what is missing.
    """
    trace = Trace()
    with SQSQueue(servers.url("sqs"), "killed", trace=trace) as queue:
        queue.send_many([Message(f"order-{number}") for number in range(5)])
        held = get(queue)
        servers["sqs"].kill()
        servers["sqs"].start()
        assert queue.nack(held) is False
        assert queue.census() == {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 0}
        with pytest.raises(UnbalancedBooks, match="holds 0 entries waiting, its records say 5"):
            trace.balance()
        queue.send(Message("order-6"))
        assert drain(queue) == ["order-6"]


class TestFifo:
    """A queue whose name ends in .fifo."""

    def test_one_of_a_group_at_a_time(self, url: str) -> None:
        """The next of a group waits while one is in flight, also after a nack; others do not."""
        with SQSQueue(url, "lines.fifo") as queue:
            for name, group in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")):
                queue.send(Message(name, headers={"group": group}))
            queue.send(Message("alone"))
            held = {message.id: message for message in (get(queue), get(queue), get(queue))}
            assert held.keys() == {"a1", "b1", "alone"}
            assert queue.receive(timeout=0) is None
            assert queue.nack(held["a1"])
            assert drain(queue) == ["a1", "a2", "a3"]

    def test_a_send_that_is_made_again_is_stored_once(self, url: str) -> None:
        """The token of the send is SQS's deduplication id; a second send of an id has its own."""
        with SQSQueue(url, "once.fifo") as queue:
            message = Message("order-1")
            _, payload = queue._pack(message, 0.0)
            assert queue._publish(payload, message, 0.0) == queue._publish(payload, message, 0.0)
            assert queue.size() == 1
            queue.send(message)
            assert queue.size() == 2

    def test_any_text_names_a_group(self, url: str) -> None:
        """SQS allows 128 printable characters; other names are stored under their digest."""
        with SQSQueue(url, "texts.fifo") as queue:
            for group in ("é" * 200, "", "a b", "\ud800"):
                queue.send(Message(group or "empty", headers={"group": group}))
            assert len(drain(queue)) == 4

    def test_its_dead_letters_are_a_fifo_queue_too(self, url: str) -> None:
        """Many of one group, buried by their handler, are all read."""
        with SQSQueue(url, "dead.fifo", max_retries=0) as queue:
            for number in range(15):
                queue.send(Message(f"order-{number}", headers={"group": "a"}))
                queue.nack(get(queue))
            assert list(reasons(queue)) == [f"order-{number}" for number in range(15)]

    def test_it_refuses_delays(self, url: str) -> None:
        """SQS delays a whole FIFO queue or none of it, and the error speaks of that kind."""
        with SQSQueue(url, "now.fifo") as queue:
            assert (queue.features["delay"], queue.features["order_by_key"]) == (
                "unsupported",
                "native",
            )
            with pytest.raises(Unsupported, match="delay is unsupported on sqs_fifo"):
                queue.send(Message(), delay=1)
