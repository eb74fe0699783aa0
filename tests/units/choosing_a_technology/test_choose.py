"""Exercise 14.1: its check tells right from wrong, and no verdict contradicts the rules."""

import itertools
from collections import Counter
from dataclasses import fields

import pytest

from mqlearn.units.choosing_a_technology.cases import CASES
from mqlearn.units.choosing_a_technology.choice import rank
from mqlearn.units.choosing_a_technology.choose import RIGHT, check_choose, why_not
from mqlearn.units.choosing_a_technology.fit import BURDEN, burden, objections
from mqlearn.units.choosing_a_technology.needs import (
    COST,
    DURABILITY,
    EFFORT,
    ENGINES,
    ORDER,
    Needs,
)

LEAST_FIRST = ("sqs", "redis_pubsub", "redis", "rabbitmq", "kafka", "pulsar")


def choose(n):
    """The worked solution: strike out what cannot serve, then the known one, then the least."""
    left = list(LEAST_FIRST)

    def strike(out, *engines):
        if out:
            left[:] = [engine for engine in left if engine not in engines]

    strike(n.effort == "none" or n.cost == "no idle cost", *LEAST_FIRST[1:])
    strike(n.effort == "one server", "kafka", "pulsar")
    strike(n.own_machines or n.cost == "no cost per message", "sqs")
    strike(n.latency < 0.1 or n.delay > 900, "sqs")
    strike(n.durability != "none", "redis_pubsub")
    strike(n.durability == "machine", "redis")
    strike(n.durability == "machine" and n.effort == "one server", "rabbitmq")
    strike(n.replay > 0, "sqs", "redis_pubsub", "redis", "rabbitmq")
    strike(n.order == "key", "redis", "rabbitmq")
    strike(n.delay > 0, "redis", "rabbitmq", "kafka")
    strike(n.rate >= 100_000, "redis", "rabbitmq")
    strike(n.work >= 60, "kafka")
    strike(n.priority > 1, "sqs", "redis", "kafka", "pulsar")
    strike(n.fan_out > 1000, "sqs", "rabbitmq", "kafka", "pulsar")
    known = [engine for engine in left if engine in n.known_by_team]
    return (known or left)[0]


def right(fn):
    """Return the number of cases in which an answer is accepted."""
    return sum(fn(case.needs) in case.accepted for case in CASES)


def by_class(kind):
    """Return the best answer that knows nothing but this class of the needs."""
    best = {}
    for case in CASES:
        best.setdefault(kind(case.needs), Counter()).update(case.accepted)
    return lambda needs: best[kind(needs)].most_common(1)[0][0]


WRONG = {
    "always the fastest": (lambda n: "kafka", 7),
    "always the one known": (lambda n: n.known_by_team[0] if n.known_by_team else "sqs", 9),
    "known, or by throughput": (
        lambda n: n.known_by_team[0] if n.known_by_team and n.rate < 1000 else "kafka",
        9,
    ),
    "the least to run": (lambda n: "sqs" if n.effort == "none" else "redis", 11),
    "by durability alone": (by_class(lambda n: n.durability), 14),
    "by effort alone": (by_class(lambda n: n.effort), 18),
    "by replay alone": (by_class(lambda n: n.replay > 0), 13),
    "by priority alone": (by_class(lambda n: n.priority > 1), 12),
}


def test_the_worked_solution_passes():
    """Every case, and the verdict counts them."""
    assert check_choose(choose).text == "passed: 30 of 30 choices can be defended"


@pytest.mark.parametrize("name", WRONG)
def test_rules_of_thumb_are_caught(name):
    """Each is right as often as the solutions quote, and too seldom for the check."""
    fn, count = WRONG[name]
    assert right(fn) == count < RIGHT
    assert not check_choose(fn)


def test_no_threshold_of_throughput_is_enough():
    """The best two bounds on the rate, with the best engine in each range."""
    rates = sorted({case.needs.rate for case in CASES})
    best = max(
        right(by_class(lambda n, low=low, high=high: (n.rate >= low) + (n.rate >= high)))
        for low, high in itertools.combinations(rates, 2)
    )
    assert best == 16 < RIGHT


@pytest.mark.parametrize("weight", [1, 2, 3])
@pytest.mark.parametrize("known", [0.5, 1, 2, 3])
def test_the_weighted_sum_of_the_lab_is_not_enough(weight, known):
    """The same weight for each need that is asked for, and any for what the team knows: it trades
    what cannot be traded, and knows neither rate nor work nor own machines.
    """

    def sum_up(n):
        asked = {
            "order": n.order == "key",
            "replay": n.replay > 0,
            "fan_out": n.fan_out > 1,
            "delay": n.delay > 0,
            "priority": n.priority > 1,
            "latency": n.latency < 0.1,
            "durability": n.durability == "machine",
            "effort": n.effort != "cluster",
            "cost": n.cost != "any",
        }
        weights = {need: weight for need, yes in asked.items() if yes}
        return rank(weights | {"known_by_team": known}, n.known_by_team)[0].engine

    assert 10 < right(sum_up) < RIGHT


@pytest.mark.parametrize("engine", ENGINES)
def test_no_engine_is_the_answer_to_everything(engine):
    """Each is accepted somewhere, and none in a third of the cases."""
    assert 1 <= right(lambda n: engine) <= 10
    assert not check_choose(lambda n: engine)


def test_a_wrong_choice_is_named():
    """The case, what was chosen, why it does not serve, and the other cases; not the answer."""
    assert check_choose(lambda n: choose(n) if n.durability != "none" else "kafka").text == (
        "not yet: in 4 of 30 cases another engine is the better choice: case 3, is typing: you "
        "chose kafka, which runs on a cluster, and the team will run one server; also in case 15, "
        "24, 27. Hint: strike out what cannot serve, prefer what the team runs already, and of the "
        "rest take what is least to run"
    )


def test_three_choices_may_differ():
    """And the verdict says which, and what speaks against them."""
    text = check_choose(lambda n: "rabbitmq" if n.replay >= 30 else choose(n)).text
    assert text == (
        "passed: 28 of 30 choices can be defended; in case 6, audit trail, rabbitmq removes from "
        "a queue what was acked (its streams, a log, are not in this list); in case 20, fraud, "
        "rabbitmq removes from a queue what was acked (its streams, a log, are not in this list)"
    )
    assert not check_choose(lambda n: "rabbitmq" if n.replay >= 3 else choose(n))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_verdict_contradicts_the_rules(case):
    """Nothing speaks against an accepted engine, the first asks least of the team, and every other
    engine has a reason against it.
    """
    serves = [engine for engine in ENGINES if not objections(engine, case.needs)]
    least = min(serves, key=lambda engine: (burden(engine, case.needs), BURDEN[engine]))
    assert set(case.accepted) <= set(serves)
    assert least in case.accepted and 1 <= len(case.accepted) <= 2
    for engine in set(ENGINES) - set(case.accepted):
        said = why_not(engine, case)
        assert said and (engine in serves) == said.startswith("serves too, but ")
        assert engine not in serves or burden(engine, case.needs) >= burden(least, case.needs)


NEEDS = [field.name for field in fields(Needs)]


@pytest.mark.parametrize("need", NEEDS)
def test_each_need_decides_somewhere(need):
    """Blind to any one of the needs, the rules would choose wrongly in some case."""

    def blind(needs):
        known = () if need == "known_by_team" else needs.known_by_team
        serves = [
            engine
            for engine in ENGINES
            if not any(against.need != need for against in objections(engine, needs))
        ]
        return min(serves, key=lambda engine: (engine not in known, BURDEN[engine]))

    assert right(blind) < len(CASES)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rate", 0, "rate must be positive, got 0"),
        ("latency", -1, "latency must be positive, got -1"),
        ("delay", -0.5, "delay must not be negative, got -0.5"),
        ("fan_out", 0, "fan_out must be at least 1, got 0"),
        ("order", "some", f"order must be one of {', '.join(map(repr, ORDER))}, got 'some'"),
        ("durability", None, f"must be one of {', '.join(map(repr, DURABILITY))}, got None"),
        ("effort", 3, f"effort must be one of {', '.join(map(repr, EFFORT))}, got 3"),
        ("cost", "", f"cost must be one of {', '.join(map(repr, COST))}, got ''"),
        ("known_by_team", ("nats",), "known_by_team must be one of 'kafka', .* got 'nats'"),
    ],
)
def test_needs_are_checked(field, value, said):
    """The parameter, the rule and the value are named."""
    with pytest.raises(ValueError, match=said):
        Needs(**{field: value})
