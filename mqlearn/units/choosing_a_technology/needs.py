"""The needs of a system that sends messages, in the words that this unit's exercise and lab share.

An engine's name means one mode of it, as a team would run it in production:

    kafka          Apache Kafka 4: topics with consumer groups, three brokers, acks=all
    rabbitmq       RabbitMQ 4.3: quorum queues with confirms, on one server or on three
    sqs            Amazon SQS: standard and FIFO queues, behind SNS where several readers are;
                   a service, paid per request
    redis          Redis or Valkey: streams with groups, one server, append-only file
    redis_pubsub   Redis or Valkey: PUBLISH and SUBSCRIBE; nothing is kept
    pulsar         Apache Pulsar 4: topics with subscriptions, brokers and bookies

The other modes (Kafka's share groups, RabbitMQ's streams, the clouds' Kafka and RabbitMQ) are
engines of their own and no answer here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mqlearn.runtime import check

ENGINES: Final = ("kafka", "rabbitmq", "sqs", "redis", "redis_pubsub", "pulsar")
ORDER: Final = ("none", "key", "all")
DURABILITY: Final = ("none", "crash", "machine")
EFFORT: Final = ("none", "one server", "cluster")
COST: Final = ("any", "no idle cost", "no cost per message")
# The ten needs of the lab, each with its question; rate, work and own_machines come on top.
QUESTIONS: Final = {
    "order": "Which messages must be handled in the order in which they were sent?",
    "replay": "For how many days may a reader come back and read again?",
    "fan_out": "How many independent readers get every message?",
    "delay": "For how long may a single message ask to be held back?",
    "priority": "How many levels of urgency are there?",
    "latency": "How long may a message be on its way?",
    "durability": "Which failure may not lose a confirmed message?",
    "effort": "What will the team run?",
    "cost": "What may the bill depend on?",
    "known_by_team": "What does the team run already?",
}


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The needs of one system; each default asks for nothing special.

    rate            messages per second at the busiest time
    work            seconds that one consumer works on one message
    order           "none"; "key": messages of one key stay in order while several consumers work;
                    "all": one order of all messages, so one consumer works at a time
    replay          days for which a message stays readable after it was read; 0: reading may
                    remove it
    fan_out         independent readers that each get every message; 1 is a work queue
    delay           longest time, in seconds, for which a single message is held back on request
    priority        levels of urgency; 1 is none
    latency         seconds from send to receive that are still acceptable in normal operation
    durability      which failure may not lose a confirmed message: "none" of them, also a
                    subscriber that is away loses messages; "crash" of the server's process;
                    "machine": a machine that is gone for good with its disk
    effort          the most that the team will run: "none" (no server, no broker to size),
                    "one server", or a "cluster"
    cost            "any"; "no idle cost": paid only while messages come; "no cost per message":
                    the bill may not grow with every message
    own_machines    True if nothing may leave the team's own machines
    known_by_team   the engines that the team runs already; most of a system's cost is there

    Raises TypeError for a value of another type, and ValueError for one that is out of range or not
    in the list.
    """

    rate: float = 100.0
    work: float = 0.01
    order: str = "none"
    replay: float = 0.0
    fan_out: int = 1
    delay: float = 0.0
    priority: int = 1
    latency: float = 1.0
    durability: str = "machine"
    effort: str = "cluster"
    cost: str = "any"
    own_machines: bool = False
    known_by_team: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("rate", "latency"):
            check.number(name, getattr(self, name), above=0)
        for name in ("work", "replay", "delay"):
            check.number(name, getattr(self, name), low=0)
        for name in ("fan_out", "priority"):
            check.whole(name, getattr(self, name), low=1)
        for name, choices in (
            ("order", ORDER),
            ("durability", DURABILITY),
            ("effort", EFFORT),
            ("cost", COST),
            ("own_machines", (True, False)),
        ):
            check.one_of(name, getattr(self, name), choices)
        check.instance("known_by_team", self.known_by_team, tuple)
        for engine in self.known_by_team:
            check.one_of("known_by_team", engine, ENGINES)
