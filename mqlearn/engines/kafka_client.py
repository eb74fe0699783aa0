"""The connection to Kafka that its queue and its log share: the address, the settings of every
client, topics and groups, and errors in the terms of the course.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
)

from mqlearn.engines.errors import EngineError
from mqlearn.runtime import check
from mqlearn.runtime.threads import default_runtime

ANSWER = 10.0  # seconds for one answer of the broker
FOREVER = "-1"  # retention.ms: what was accepted stays
LARGEST = 1_000_000  # bytes of one message; the broker's own limit, 1,048,588, is for a batch

# What passes by itself: the broker is gone, or it has just started and does not lead yet.
GONE = {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._MSG_TIMED_OUT,
    KafkaError._RESOLVE,
    KafkaError._NOENT,  # no partition has its leader yet
    KafkaError._FATAL,  # of a producer, which is then replaced
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}


class KafkaGone(ConnectionError):
    """Raised while the broker does not answer, or answers that it is not ready yet."""


def client_settings(url: str, **more: Any) -> dict[str, Any]:
    """Return the settings of a client for the broker at `url`, kafka://host:port."""
    match = re.fullmatch(r"(?:kafka://)?([^/:\s]+:\d+(?:,[^/:\s]+:\d+)*)/?", url)
    if match is None:
        raise ValueError(f"url must be kafka://host:port, got {check.short_repr(url)}")
    return {
        "bootstrap.servers": match[1],
        "log_level": 0,  # else a restart of the broker floods stderr
        "socket.nagle.disable": True,  # a synchronous send takes less than half the time
        "reconnect.backoff.max.ms": 500,  # by default 10 s, long after the broker is back
        **{name.replace("_", "."): value for name, value in more.items()},
    }


def translate(error: KafkaError) -> Exception:
    """Return the error of the course for an error of the client."""
    if error.code() in GONE or error.fatal():
        return KafkaGone(error.str())
    return EngineError(f"kafka refuses: {error.str()} ({error.name()})")


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of the client as errors of the course."""
    try:
        yield
    except KafkaException as error:
        raise translate(error.args[0]) from error


class KafkaAdmin:
    """Questions to a broker about its topics and groups, and changes to them."""

    def __init__(self, url: str) -> None:
        self.client = AdminClient(client_settings(url))

    def check_answers(self, within: float = 5.0) -> None:
        """Raise KafkaGone if the broker does not answer within this many seconds."""
        with translated():
            self.client.list_topics(timeout=within)

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str]) -> bool:
        """Create a topic; False if there is one of this name."""
        topic = NewTopic(name, num_partitions=partitions, replication_factor=-1, config=config)
        try:
            self._result(self.client.create_topics([topic], request_timeout=ANSWER))
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            raise translate(error.args[0]) from error
        self._await_leaders(name)
        return True

    def _await_leaders(self, topic: str) -> None:
        """Wait until a new topic is known: a client that asks too early remembers for minutes that
        there is no such topic.
        """
        clock = default_runtime()
        deadline = clock.now + ANSWER
        while clock.now < deadline:
            with translated():
                found = self.client.list_topics(topic, timeout=ANSWER).topics[topic]
            if found.error is None and all(p.leader >= 0 for p in found.partitions.values()):
                return
            clock.sleep(0.02)
        raise KafkaGone(f"the topic {topic} has no leader after {ANSWER:g} s")

    def delete_topics(self, *names: str) -> None:
        """Delete topics with everything in them."""
        with translated():
            for future in self.client.delete_topics(list(names)).values():
                future.result(ANSWER)

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        with translated():
            found = self.client.list_topics(topic, timeout=ANSWER).topics[topic]
        if found.error is not None:
            raise translate(found.error)
        return len(found.partitions)

    def config(self, kind: Any, name: str, *, changed: bool = False) -> dict[str, str]:
        """Return the settings of a broker, topic or group; with `changed`, only those that were
        set for it.
        """
        with translated():
            entries = self._result(self.client.describe_configs([ConfigResource(kind, name)]))
        unset = {ConfigSource.DEFAULT_CONFIG.value, ConfigSource.STATIC_BROKER_CONFIG.value}
        return {
            key: str(entry.value)
            for key, entry in entries.items()
            if not changed or entry.source not in unset
        }

    def set_group(self, group: str, settings: Mapping[str, str], *, clear: bool = False) -> None:
        """Change settings of a group, or with `clear` take them back."""
        change = AlterConfigOpType.DELETE if clear else AlterConfigOpType.SET
        entries = [
            ConfigEntry(key, value, incremental_operation=change) for key, value in settings.items()
        ]
        resource = ConfigResource(ConfigResource.Type.GROUP, group, incremental_configs=entries)
        with translated():
            self._result(self.client.incremental_alter_configs([resource]))

    def _result(self, futures: dict[Any, Future[Any]]) -> Any:
        """Return the answer to a request for one thing."""
        (future,) = futures.values()
        return future.result(ANSWER)
