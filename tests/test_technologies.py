"""The table of technologies is the course text's, and says so."""

import pytest

from mqlearn import MessageQueueComparison, compare_message_queues, message_queue_technologies

FIGURES = [
    ("Apache Kafka", "stream", "2M+ msg/sec", "2-5ms", True, "Per partition"),
    ("RabbitMQ", "queue", "50K msg/sec", "<1ms", True, "FIFO per queue"),
    ("Amazon SQS", "queue", "300K msg/sec", "10-20ms", True, "FIFO queues available"),
    ("Redis Pub/Sub", "pub_sub", "1M+ msg/sec", "<1ms", False, "None"),
    ("Apache Pulsar", "stream", "1M+ msg/sec", "5-10ms", True, "Per partition"),
]


def test_the_figures_are_the_course_texts_and_each_says_what_is_known_of_its_origin() -> None:
    """Five rows, field by field, each with its origin or the statement that none was found."""
    rows = [
        (t.name, t.type, t.throughput, t.latency, t.durability, t.ordering_guarantee)
        for t in message_queue_technologies
    ]
    assert rows == FIGURES
    assert [len(t.use_cases) for t in message_queue_technologies] == [3, 3, 2, 2, 3]
    assert all(t.origin for t in message_queue_technologies)


def test_the_table_is_printed_as_the_course_texts_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Heading, a line for each technology with columns that line up, and the use cases."""
    assert compare_message_queues() is None  # type: ignore[func-returns-value]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("(the course text's figures)")
    cells = ["Type", "stream", "queue", "queue", "pub_sub", "stream"]
    assert {line.index(cell) for line, cell in zip(lines[1:7], cells, strict=True)} == {
        lines[1].index("Type")
    }
    assert lines[-1] == "Apache Pulsar: Event streaming, Message queuing, Functions"


def test_a_row_needs_its_six_facts_and_its_use_cases_but_no_origin() -> None:
    """A reader adds a technology of their own as the course text does."""
    mine = MessageQueueComparison(
        "NATS", "pub_sub", "?", "?", False, "Per publisher", ["Telemetry"]
    )
    assert mine.origin == ""
    with pytest.raises(TypeError, match=r"use_cases must be a list of str, got \[5\]"):
        MessageQueueComparison("NATS", "pub_sub", "?", "?", False, "Per publisher", [5])  # type: ignore[list-item]
