"""The connection to a server with the interface of Amazon SQS, and what its errors mean here."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError

from mqlearn.engines.errors import EngineError
from mqlearn.runtime import check

LOCAL = ("127.0.0.1", "localhost", "::1")
CONNECTIONS = 50  # threads that may ask at the same time
# the codes of the server's errors, of today's protocol and of the older one
BUSY = {"RequestThrottled", "ThrottlingException", "ServiceUnavailable", "InternalFailure"}
GONE = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
STALE = {
    "ReceiptHandleIsInvalid",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
}
# Amazon's answer to the receipt of a lease that is over has no code of its own.
INVALID = {"InvalidParameterValue", "InvalidParameterValueException"}


class Unreachable(ConnectionError):
    """Raised if the server does not answer, or is too busy."""


class QueueGone(Unreachable):
    """Raised if there is no such queue, or not any more."""


class StaleReceipt(Exception):
    """Raised if a receipt is not that of the last delivery of a message that is there."""


class SQSClient:
    """A connection to `url`, such as http://127.0.0.1:9324 or https://sqs.eu-west-1.amazonaws.com.

    Keys are those of the URL (http://KEY:SECRET@host:port), else, for a server on this machine, any
    words, else those that boto3 finds. Many threads may use one client.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must be http://host:port, got {check.short_repr(url)}")
        port = f":{parts.port}" if parts.port else ""
        is_local = parts.hostname in LOCAL
        key, secret = parts.username, parts.password
        if key is None and is_local:
            key = secret = "mqlearn"  # ElasticMQ accepts any
        named = re.fullmatch(r"sqs\.([a-z0-9-]+)\.amazonaws\.com", parts.hostname)
        self._url = url
        self._client: Any = boto3.client(
            "sqs",
            endpoint_url=f"{parts.scheme}://{parts.hostname}{port}",
            region_name=named[1] if named else os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(
                # the adapter is patient itself
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=30,
                max_pool_connections=CONNECTIONS,
                proxies={"http": "", "https": ""} if is_local else None,
            ),
        )

    def __call__(self, operation: str, **arguments: Any) -> Any:
        """Return the answer to an operation, such as "send_message".

        Raises Unreachable, StaleReceipt, or EngineError for everything else that goes wrong.
        """
        try:
            return getattr(self._client, operation)(**arguments)
        except (aws.ConnectionError, aws.HTTPClientError) as error:
            raise Unreachable(str(error)) from error
        except aws.ClientError as error:
            code = error.response["Error"].get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in STALE or (code in INVALID and "ReceiptHandle is invalid" in str(error)):
                raise StaleReceipt(str(error)) from error
            if code in GONE:
                raise QueueGone(str(error)) from error
            if code in BUSY or status in (500, 502, 503, 504):
                raise Unreachable(str(error)) from error
            said = str(error)[: check.LONGEST]  # another server may answer with a whole page
            raise EngineError(f"sqs at {self._url} refuses: {said}") from error
        except (aws.BotoCoreError, ResponseParserError) as error:
            raise EngineError(f"sqs at {self._url} cannot be asked: {error}") from error

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
