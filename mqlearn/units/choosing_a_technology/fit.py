"""The reasons against an engine: `objections(engine, needs)`, and `burden`, what it asks of a team.

Comments beside the rules say what the engines' documentation states, and what was measured on one
machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from mqlearn.runtime import check
from mqlearn.units.choosing_a_technology.needs import ENGINES, Needs

# What a team takes on with an engine that it does not run yet: nothing, one server without or with
# data to look after, a cluster, a cluster of two kinds of servers.
BURDEN: Final = {
    "sqs": 0,
    "redis_pubsub": 1,
    "redis": 2,
    "rabbitmq": 2,
    "kafka": 3,
    "pulsar": 4,
}
MEMORY_GB = 64.0  # of one server; a larger history does not fit into a Redis stream
BODY = 1000.0  # bytes of a message, where memory is estimated
MANY = 1000  # readers that come and go; each would need a queue or a position of its own


class Objection(NamedTuple):
    """The need that an engine does not serve, and the reason as the rest of a sentence about it."""

    need: str
    said: str


class Rule(NamedTuple):
    """The needs that an engine does not serve: those for which `applies` is true."""

    need: str
    applies: Callable[[Needs], bool]
    said: str


def objections(engine: str, needs: Needs) -> list[Objection]:
    """Return the reasons why this engine does not serve these needs; none if it serves them."""
    check.one_of("engine", engine, ENGINES)
    check.instance("needs", needs, Needs)
    return [Objection(rule.need, rule.said) for rule in RULES[engine] if rule.applies(needs)]


def burden(engine: str, needs: Needs) -> int:
    """Return what the engine asks of this team: 0 if the team runs it, else from 1 to 5."""
    check.one_of("engine", engine, ENGINES)
    return 0 if engine in needs.known_by_team else 1 + BURDEN[engine]


def is_shared(needs: Needs) -> bool:
    """Return True if one consumer is too slow: it would be busy for over 80 % of the time."""
    return needs.rate * needs.work > 0.8


def _history_gb(needs: Needs) -> float:
    """Return the size of the messages that must stay readable, in GB, at the busiest rate."""
    return needs.rate * needs.replay * 86_400 * BODY / 1e9


def _floods_one_core(needs: Needs) -> bool:
    """Return True for more copies per second than a single-threaded server hands out. Documented:
    about 180,000 commands per second on a laptop, and a copy to a reader costs about one.
    """
    return needs.rate * needs.fan_out >= 200_000


SERVER = (
    Rule("effort", lambda n: n.effort == "none", "runs on servers, and the team will run none"),
    Rule("cost", lambda n: n.cost == "no idle cost", "costs as much when no message comes"),
)
CLUSTER = Rule(
    "effort",
    lambda n: n.effort == "one server",
    "runs on a cluster, and the team will run one server",
)
RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "kafka": (
        *SERVER,
        CLUSTER,
        # max.poll.interval.ms is 300,000 by default; a partition is read in order.
        Rule(
            "work",
            lambda n: n.work >= 60,
            "lets all messages of a partition wait behind the slow one, and removes a member that "
            "works for more than 5 minutes",
        ),
        Rule("delay", lambda n: n.delay > 0, "reads a topic in order and holds no message back"),
        Rule(
            "priority",
            lambda n: n.priority > 1,
            "has no priorities: the urgent message waits behind those that came before it",
        ),
        # Measured: 2 to 4 ms from send to a waiting consumer on one machine, without replicas.
        Rule("latency", lambda n: n.latency < 0.005, "needs some milliseconds with three copies"),
        Rule(
            "fan_out",
            lambda n: n.fan_out > MANY,
            "would keep a group with positions for each of thousands of readers",
        ),
    ),
    "pulsar": (
        *SERVER,
        CLUSTER,
        Rule("priority", lambda n: n.priority > 1, "has no priorities, only a topic per level"),
        Rule("latency", lambda n: n.latency < 0.005, "needs some milliseconds with three copies"),
        Rule(
            "fan_out",
            lambda n: n.fan_out > MANY,
            "would keep a subscription for each of thousands of readers",
        ),
    ),
    "rabbitmq": (
        *SERVER,
        Rule(
            "durability",
            lambda n: n.durability == "machine" and n.effort == "one server",
            "survives a lost machine only with three servers",
        ),
        Rule(
            "replay",
            lambda n: n.replay > 0,
            "removes from a queue what was acked (its streams, a log, are not in this list)",
        ),
        # Documented: a queue with several consumers keeps no order between them.
        Rule(
            "order",
            lambda n: n.order == "key" and is_shared(n),
            "does not keep the order of a key when several consumers share a queue",
        ),
        # Documented: expiry is looked at only at the head of a queue; the plugin is archived.
        Rule(
            "delay",
            lambda n: n.delay > 0,
            "holds single messages back only with a queue for each length of delay",
        ),
        # Documented: one queue is bound to one core; the team's own tests reach 99,000/s with a
        # classic queue and 12 bytes, so a quorum queue is below that.
        Rule(
            "rate",
            lambda n: n.rate >= 100_000,
            "runs a queue on one core: the team would split this rate by hand",
        ),
        # A quorum queue delivers what a majority of its members has written.
        Rule(
            "latency",
            lambda n: n.latency < 0.002,
            "hands a message out only when a majority has written it to disk",
        ),
        Rule(
            "fan_out",
            lambda n: n.fan_out > MANY,
            "would keep a queue with a copy of every message for each of thousands of readers",
        ),
    ),
    "sqs": (
        Rule("own_machines", lambda n: n.own_machines, "is a service outside the own machines"),
        Rule(
            "cost",
            lambda n: n.cost == "no cost per message",
            "bills every request, also a receive that finds nothing",
        ),
        Rule("replay", lambda n: n.replay > 0, "keeps nothing that was deleted after reading"),
        # Documented: 300 calls per second for a FIFO group, ten messages in a call.
        Rule(
            "order",
            lambda n: n.order == "all" and n.rate > 3000,
            "takes at most 3,000 messages per second in one order",
        ),
        Rule("delay", lambda n: n.delay > 900, "holds a message back for at most 15 minutes"),
        Rule(
            "priority",
            lambda n: n.priority > 1,
            "has no priorities, only a queue per level, and the workers must choose",
        ),
        # Judged: some tens of milliseconds for each call, and no bound is promised.
        Rule(
            "latency",
            lambda n: n.latency < 0.1,
            "is called over HTTPS, once to send and once to receive: too slow for this",
        ),
        Rule("work", lambda n: n.work > 43_200, "leases a message for at most 12 hours"),
        Rule(
            "fan_out",
            lambda n: n.fan_out > MANY,
            "would need a queue for each of thousands of readers",
        ),
    ),
    "redis": (
        *SERVER,
        # Documented: replication is asynchronous, and WAIT does not make it consistent.
        Rule(
            "durability",
            lambda n: n.durability == "machine",
            "copies to a replica after it has confirmed: a lost machine takes the last messages "
            "with it",
        ),
        Rule(
            "replay",
            lambda n: _history_gb(n) > MEMORY_GB,
            "lives in memory, and so much history does not fit",
        ),
        Rule(
            "order",
            lambda n: n.order == "key" and is_shared(n),
            "gives two messages of one key to two consumers of a group",
        ),
        Rule("delay", lambda n: n.delay > 0, "has no delays, only what the team builds itself"),
        Rule("priority", lambda n: n.priority > 1, "has no priorities, only a stream per level"),
        Rule("rate", _floods_one_core, "hands out every copy from one core of one server"),
    ),
    "redis_pubsub": (
        *SERVER,
        Rule(
            "durability",
            lambda n: n.durability != "none",
            "keeps nothing: a subscriber that is away never gets the message",
        ),
        Rule("replay", lambda n: n.replay > 0, "keeps nothing that could be read again"),
        Rule(
            "fan_out",
            lambda n: n.fan_out == 1 and is_shared(n),
            "gives every message to every subscriber, so consumers cannot share the work",
        ),
        Rule("delay", lambda n: n.delay > 0, "delivers at once or never"),
        Rule("priority", lambda n: n.priority > 1, "has no line in which a message could overtake"),
        Rule("rate", _floods_one_core, "hands out every copy from one core of one server"),
    ),
}
