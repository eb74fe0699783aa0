"""Queues and logs on genuine engines, behind the interfaces that the rest of the course uses.

- Queues: `RedisQueue` (Redis or Valkey), `RabbitMQQueue`, `KafkaQueue` (a share group), `SQSQueue`,
  `PulsarQueue`
- A log: `KafkaStream`
- Fire and forget: `RedisPubSub`
- A server to try them on: `local`
- What each engine has: `feature_table`, `why`
- Errors: `EngineError`, `Unsupported`

The client of an engine is imported when its class is first asked for, never before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mqlearn.engines.errors import EngineError, Unsupported
from mqlearn.engines.features import feature_table, why

if TYPE_CHECKING:
    from mqlearn.engines.kafka_queue import KafkaQueue
    from mqlearn.engines.kafka_stream import KafkaStream
    from mqlearn.engines.pulsar import PulsarQueue
    from mqlearn.engines.rabbitmq import RabbitMQQueue
    from mqlearn.engines.redis_pubsub import RedisPubSub
    from mqlearn.engines.redis_queue import RedisQueue
    from mqlearn.engines.servers import local
    from mqlearn.engines.sqs import SQSQueue

# the module that each name comes from
_HOME = {
    "local": "servers",
    "KafkaQueue": "kafka_queue",
    "KafkaStream": "kafka_stream",
    "RabbitMQQueue": "rabbitmq",
    "RedisPubSub": "redis_pubsub",
    "PulsarQueue": "pulsar",
    "RedisQueue": "redis_queue",
    "SQSQueue": "sqs",
}

__all__ = [
    "EngineError",
    "KafkaQueue",
    "KafkaStream",
    "PulsarQueue",
    "RabbitMQQueue",
    "RedisPubSub",
    "RedisQueue",
    "SQSQueue",
    "Unsupported",
    "feature_table",
    "local",
    "why",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
