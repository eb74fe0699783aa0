"""The rules of what an engine cannot serve hold up to their bounds, and no further."""

import pytest

from mqlearn.units.choosing_a_technology.fit import BURDEN, RULES, burden, is_shared, objections
from mqlearn.units.choosing_a_technology.needs import ENGINES, Needs

SERVER = {
    "effort": ({"effort": "none"}, {"effort": "cluster"}),
    "cost": ({"cost": "no idle cost"}, {"cost": "no cost per message"}),
}
ON_A_CLUSTER = SERVER | {
    "effort": ({"effort": "one server"}, {"effort": "cluster"}),
    "priority": ({"priority": 2}, {"priority": 1}),
    "latency": ({"latency": 0.0049}, {"latency": 0.005}),
    "fan_out": ({"fan_out": 1001}, {"fan_out": 1000}),
}
KEPT = {"durability": "crash"}
ONE_CONSUMER = {"rate": 100, "work": 0.008}  # is busy for 80 % of the time
TWO_CONSUMERS = {"rate": 100, "work": 0.0081}
# By engine and need: needs that the engine does not serve, and needs that it just serves.
EDGES = {
    "kafka": ON_A_CLUSTER
    | {"work": ({"work": 60}, {"work": 59.9}), "delay": ({"delay": 0.1}, {"delay": 0})},
    "pulsar": ON_A_CLUSTER,
    "rabbitmq": SERVER
    | {
        "durability": (
            {"effort": "one server", "durability": "machine"},
            {"effort": "one server", "durability": "crash"},
        ),
        "replay": ({"replay": 0.1}, {"replay": 0}),
        "order": ({"order": "key", **TWO_CONSUMERS}, {"order": "key", **ONE_CONSUMER}),
        "delay": ({"delay": 0.1}, {"delay": 0}),
        "rate": ({"rate": 100_000}, {"rate": 99_999}),
        "latency": ({"latency": 0.0019}, {"latency": 0.002}),
        "fan_out": ({"fan_out": 1001}, {"fan_out": 1000}),
    },
    "sqs": {
        "own_machines": ({"own_machines": True}, {"own_machines": False}),
        "cost": ({"cost": "no cost per message"}, {"cost": "no idle cost"}),
        "replay": ({"replay": 0.1}, {"replay": 0}),
        "order": ({"order": "all", "rate": 3001}, {"order": "all", "rate": 3000}),
        "delay": ({"delay": 901}, {"delay": 900}),
        "priority": ({"priority": 2}, {"priority": 1}),
        "latency": ({"latency": 0.09}, {"latency": 0.1}),
        "work": ({"work": 43_201}, {"work": 43_200}),
        "fan_out": ({"fan_out": 1001}, {"fan_out": 1000}),
    },
    "redis": {need: tuple(KEPT | each for each in edge) for need, edge in SERVER.items()}
    | {
        "durability": ({"durability": "machine"}, KEPT),
        # 7.4 days of 100 messages of 1 kB per second are 64 GB.
        "replay": ({"replay": 7.5, **KEPT}, {"replay": 7.4, **KEPT}),
        "order": (
            {"order": "key", **TWO_CONSUMERS, **KEPT},
            {"order": "key", **ONE_CONSUMER, **KEPT},
        ),
        "delay": ({"delay": 0.1, **KEPT}, {"delay": 0, **KEPT}),
        "priority": ({"priority": 2, **KEPT}, {"priority": 1, **KEPT}),
        "rate": ({"rate": 200_000, **KEPT}, {"rate": 199_999, **KEPT}),
    },
    "redis_pubsub": {
        need: tuple({"durability": "none", "fan_out": 2} | each for each in edge)
        for need, edge in {
            **SERVER,
            "durability": ({"durability": "crash"}, {"durability": "none"}),
            "replay": ({"replay": 0.1}, {"replay": 0}),
            "fan_out": ({"fan_out": 1, **TWO_CONSUMERS}, {"fan_out": 1, **ONE_CONSUMER}),
            "delay": ({"delay": 0.1}, {"delay": 0}),
            "priority": ({"priority": 2}, {"priority": 1}),
            # A copy for each of the two readers.
            "rate": ({"rate": 100_000}, {"rate": 99_999}),
        }.items()
    },
}


@pytest.mark.parametrize(
    ("engine", "need"), [(engine, need) for engine in EDGES for need in EDGES[engine]]
)
def test_a_rule_holds_up_to_its_bound(engine, need):
    """Beyond it there is exactly one objection, about this need; at it the engine serves."""
    beyond, within = EDGES[engine][need]
    assert [each.need for each in objections(engine, Needs(**beyond))] == [need]
    assert objections(engine, Needs(**within)) == []


def test_every_rule_has_its_bound_here():
    """A new rule needs a line in the table."""
    assert {e: {rule.need for rule in RULES[e]} for e in ENGINES} == {
        e: set(EDGES[e]) for e in ENGINES
    }


def test_what_the_team_runs_asks_nothing_new():
    """Everything else asks something, and a cluster of two kinds the most."""
    assert burden("pulsar", Needs(known_by_team=("pulsar",))) == 0
    assert [burden(e, Needs()) for e in sorted(ENGINES, key=lambda e: BURDEN[e])] == [
        1, 2, 3, 3, 4, 5,
    ]  # fmt: skip


def test_one_consumer_is_enough_up_to_four_fifths():
    """The share of its time for which one consumer would be busy decides, not the rate alone."""
    assert not is_shared(Needs(rate=8, work=0.1)) and is_shared(Needs(rate=9, work=0.1))


def test_an_unknown_engine_is_named():
    """In both questions; and needs must be needs."""
    for ask in (objections, burden):
        with pytest.raises(ValueError, match=r"engine must be one of 'kafka', .* got 'nats'"):
            ask("nats", Needs())
    with pytest.raises(TypeError, match="needs must be Needs, got None"):
        objections("kafka", None)
