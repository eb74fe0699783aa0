"""The queues that the contract holds for: how each is made, and what its engine promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mqlearn.engines
from mqlearn import InMemoryMessageQueue
from mqlearn.engines.features import supports

# InMemoryMessageQueue is no engine, and has no row in the table of engines.
MEMORY = {
    "priority": "native",
    "ttl": "native",
    "delay": "native",
    "lease": "native",
    "extend": "native",
    "delivery_count": "native",
    "dead_letter_reason": "native",
    "exact_size": "native",
    "order_by_key": "unsupported",
    "replay": "unsupported",
    "groups": "unsupported",
    "transactions": "unsupported",
    "release_free": "native",
}


@dataclass(frozen=True)
class Kind:
    """One kind of queue. `server` is the engine whose server it needs, `made_by` its class in
    `mqlearn.engines`, and `options` what makes it this kind.

    `ordered`: one consumer gets what was sent in that order, also after a retry. `durable`: what
    the engine has confirmed survives kill -9 of the server. `own_reasons`: a dead letter has the
    handler's own text. `fewest_retries` and `most_retries`: the limits of `max_retries`.
    `settings`: those that the engine keeps, so that all users of a queue agree. `acks_lost`: so
    many acks of the last moment may be lost when the server is killed.
    """

    id: str
    server: str = ""
    made_by: str = ""
    suffix: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    ordered: bool = True
    durable: bool = True
    own_reasons: bool = True
    fewest_retries: int = 0
    most_retries: int = 50
    settings: tuple[str, ...] = ("visibility_timeout", "max_retries")
    acks_lost: int = 0

    @property
    def features(self) -> dict[str, str]:
        """Each feature, and whether this kind declares it native, emulated or unsupported."""
        return MEMORY if self.id == "memory" else supports(self.id)

    def has(self, feature: str) -> bool:
        """True if the table says that this kind has the feature."""
        return self.features[feature] != "unsupported"

    def settings_are_stored(self, setting: str) -> bool:
        """True if the engine refuses another value of a setting."""
        return setting in self.settings

    @property
    def is_written(self) -> bool:
        """True if its class is there."""
        return not self.made_by or hasattr(mqlearn.engines, self.made_by)

    def make(self, url: str, name: str, **settings: Any) -> Any:
        """Return a queue of this kind called `name`."""
        if self.id == "memory":
            settings.pop("max_retries")  # there it is the message that says so
            return InMemoryMessageQueue(20_000, name=name, **settings)
        made_by = getattr(mqlearn.engines, self.made_by)
        return made_by(url, name + self.suffix, **self.options, **settings)


KINDS = {
    kind.id: kind
    for kind in (
        Kind("memory", durable=False),
        Kind("redis", "redis", "RedisQueue"),
        Kind(
            "rabbitmq",
            "rabbitmq",
            "RabbitMQQueue",
            own_reasons=False,
            settings=("max_retries",),
            acks_lost=3,  # one on its way for each worker of a test: an ack has no confirm
        ),
        Kind(
            "rabbitmq_classic",
            "rabbitmq",
            "RabbitMQQueue",
            options={"kind": "classic"},
            ordered=False,  # a retry is sent again, behind the others
            own_reasons=False,
            settings=(),
            acks_lost=60,  # it writes acks to its disk when it has time
        ),
        Kind("kafka", "kafka", "KafkaQueue", own_reasons=False, fewest_retries=1, most_retries=9),
        Kind("pulsar", "pulsar", "PulsarQueue"),
        Kind("sqs", "sqs", "SQSQueue", ordered=False, durable=False),
        Kind("sqs_fifo", "sqs", "SQSQueue", ".fifo", ordered=False, durable=False),
    )
}
