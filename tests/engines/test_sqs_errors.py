"""What Amazon answers to a receipt that is not current any more, which differs from ElasticMQ."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from mqlearn.engines import EngineError
from mqlearn.engines.sqs_client import SQSClient, StaleReceipt

AT = {"QueueUrl": "http://127.0.0.1:1/1/mqlearn-jobs", "ReceiptHandle": "old"}


@pytest.fixture
def client() -> Iterator[SQSClient]:
    """A client without a server: its answers are given by the test."""
    client = SQSClient("http://127.0.0.1:1")
    yield client
    client.close()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("InvalidParameterValue", "The receipt handle has expired."),
        (
            "InvalidParameterValue",
            "Message does not exist or is not available for visibility timeout change.",
        ),
        ("AWS.SimpleQueueService.MessageNotInflight", "The message is not in flight."),
        ("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
    ],
)
def test_a_lease_that_is_over_is_no_error(client: SQSClient, code: str, said: str) -> None:
    """FIFO queues refuse an old receipt with the code for any wrong parameter."""
    text = f"Value old for parameter ReceiptHandle is invalid. Reason: {said}"
    with Stubber(client._client) as stub:
        stub.add_client_error("delete_message", service_error_code=code, service_message=text)
        with pytest.raises(StaleReceipt):
            client("delete_message", **AT)


def test_another_wrong_parameter_is_an_error(client: SQSClient) -> None:
    """Only what is said of a receipt tells of a lease."""
    text = "Value 99999 for parameter VisibilityTimeout is invalid. Reason: Must be at most 43200."
    with Stubber(client._client) as stub:
        stub.add_client_error(
            "change_message_visibility",
            service_error_code="InvalidParameterValue",
            service_message=text,
        )
        with pytest.raises(EngineError, match="VisibilityTimeout is invalid"):
            client("change_message_visibility", **AT, VisibilityTimeout=0)
