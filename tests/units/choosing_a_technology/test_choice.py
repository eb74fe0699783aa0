"""Unit 14: engines are ranked by weighted needs, with reasons, and a must is a must."""

from collections.abc import Mapping

import pytest

from mqlearn.engines.features import EMULATED, NATIVE, support
from mqlearn.units.choosing_a_technology.choice import DRAWS, Ranked, first_share, rank
from mqlearn.units.choosing_a_technology.fit import objections
from mqlearn.units.choosing_a_technology.needs import ENGINES, QUESTIONS, Needs
from mqlearn.units.choosing_a_technology.suitability import TABLE, cell


def by_engine(weights: Mapping[str, float], known: tuple[str, ...] = ()) -> dict[str, Ranked]:
    """The ranking as a dict, in its order."""
    return {each.engine: each for each in rank(weights, known)}


def test_every_engine_has_a_cell_for_every_need() -> None:
    """With 0 to 3 points, a short sentence that fits behind a colon, and its source."""
    assert tuple(TABLE) == ENGINES
    for engine, row in TABLE.items():
        assert [*row, "known_by_team"] == list(QUESTIONS)
        assert len({each.says for each in row.values()}) == len(row)
        for need, (points, says, source) in row.items():
            where = f"{engine}, {need}"
            assert points in (0, 1, 2, 3), where
            assert len(says) <= 67 and not says.endswith("."), where
            assert says[0].islower() or says.split()[0] in ("AWS", "Key_Shared"), where
            assert ", " in source, where


def test_no_need_is_served_by_all_alike() -> None:
    """A row of equal points could decide nothing."""
    for need in QUESTIONS:
        if need != "known_by_team":
            assert len({row[need].points for row in TABLE.values()}) > 1, need


def test_the_score_is_the_weighted_share_of_all_points() -> None:
    """Kafka: 2 × 3 for order and 1 × 0 for delay, of 9 possible."""
    ranked = by_engine({"order": 2, "delay": 1})
    assert ranked["kafka"].score == pytest.approx(100 * 6 / 9)
    assert ranked["kafka"].parts == {"order": (200 / 3, 200 / 3), "delay": (0.0, 100 / 3)}
    assert list(ranked) == ["pulsar", "sqs", "kafka", "rabbitmq", "redis", "redis_pubsub"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_parts_of_a_score_add_up(engine: str) -> None:
    """What an engine has to its score, what was asked for to 100."""
    found = by_engine(dict.fromkeys(QUESTIONS, 1.5), ("rabbitmq",))[engine]
    assert sum(got for got, _ in found.parts.values()) == pytest.approx(found.score)
    assert sum(most for _, most in found.parts.values()) == pytest.approx(100)


def test_a_must_rules_out_what_a_sum_would_forgive() -> None:
    """Without replay SQS is ahead of Kafka at weight 2.5, and behind all others at 3."""
    wish = {"replay": 2.5, "effort": 2.5, "cost": 2.5}
    assert list(by_engine(wish)).index("sqs") < list(by_engine(wish)).index("kafka")
    ranked = by_engine(wish | {"replay": 3})
    out = [engine for engine in ranked if ranked[engine].missing == ("replay",)]
    assert out == list(ranked)[-3:] == ["sqs", "redis_pubsub", "rabbitmq"]
    assert ranked["kafka"].missing == ()
    assert ranked["sqs"].score > ranked["kafka"].score
    assert ranked["sqs"].against == "replay"


def test_the_reasons_are_where_it_leads_and_never_what_speaks_against_it() -> None:
    """RabbitMQ in front for its priorities; SQS is good at delay, and delay costs it the most."""
    weights = {"fan_out": 1, "delay": 1, "priority": 2, "durability": 3}
    found = by_engine(weights)["rabbitmq"]
    assert (found.reasons, found.against) == (("priority", "fan_out"), "delay")
    alone = by_engine({"delay": 1})["sqs"]
    assert (alone.reasons, alone.against) == ((), "delay")


def test_what_an_engine_does_badly_is_no_reason_for_it() -> None:
    """Kafka is ahead of Pulsar in cost, by the one point of three machines that are paid for."""
    found = by_engine({"replay": 3, "cost": 1, "effort": 1})["kafka"]
    assert cell("kafka", "cost").points == 1 and found.reasons == ("replay",)


def test_an_engine_that_loses_nothing_is_told_its_weakest_other_need() -> None:
    """Kafka has all of order and replay; no delay is the worst of what was not asked for."""
    found = by_engine({"order": 1, "replay": 1})["kafka"]
    assert found.score == pytest.approx(100) and found.against == "delay"


def test_equal_losses_are_told_by_the_fewest_points() -> None:
    """SQS loses 2 × 1 by its delay and 1 × 2 by its priorities: these it does worse."""
    assert by_engine({"delay": 2, "priority": 1})["sqs"].against == "priority"


def test_rivals_that_are_ruled_out_make_no_lead() -> None:
    """Where durability is a must, nothing is gained by being better at it than Redis."""
    must = by_engine({"durability": 3, "fan_out": 1, "effort": 1})
    assert must["redis"].missing == must["redis_pubsub"].missing == ("durability",)
    assert must["kafka"].reasons == ("fan_out", "durability")
    wish = by_engine({"durability": 2.5, "fan_out": 1, "effort": 1})
    assert wish["kafka"].reasons == ("durability", "fan_out")


def test_the_lab_and_the_exercise_judge_alike() -> None:
    """What is an objection there has at most one point here, and what is none has more."""
    busy = {"rate": 100.0, "work": 1.0}
    for need, needs in (
        ("order", Needs(order="key", **busy)),
        ("replay", Needs(replay=1)),
        ("delay", Needs(delay=600)),
        ("priority", Needs(priority=2)),
        ("durability", Needs(durability="machine")),
    ):
        for engine in ENGINES:
            against = {each.need for each in objections(engine, needs)}
            # What cannot share the work of one reader cannot share it in order either.
            refused = need in against or (need == "order" and "fan_out" in against)
            assert refused == (TABLE[engine][need].points <= 1), (engine, need)


def test_the_lab_and_the_adapters_judge_alike() -> None:
    """What is native in an engine has 2 points or 3, what an adapter emulates has 1."""
    of_need = {"order": "order_by_key", "fan_out": "groups"}
    modes = {"kafka": ("kafka_log",), "sqs": ("sqs", "sqs_fifo")}
    for engine in ENGINES:
        for need in ("order", "replay", "fan_out", "delay", "priority"):
            for mode in modes.get(engine, (engine,)):
                level = support(mode, of_need.get(need, need)).level
                points = TABLE[engine][need].points
                assert level != NATIVE or points >= 2, (engine, need)
                assert level != EMULATED or points == 1, (engine, need)


def test_what_the_team_runs_counts_only_if_it_runs_something() -> None:
    """Streams and Pub/Sub are one server: a team that runs one of them runs the other."""
    weights = {"known_by_team": 2, "replay": 1}
    assert "known_by_team" not in by_engine(weights)["kafka"].parts
    ranked = by_engine(weights, ("redis",))
    assert [e for e in ranked if ranked[e].parts["known_by_team"][0]] == ["redis", "redis_pubsub"]
    assert cell("kafka", "known_by_team", ("redis",)).says == "your team does not run it yet"


def test_nothing_asked_for_ranks_nothing() -> None:
    """All have no points, and stay in the order of the list."""
    ranked = rank({"order": 0})
    assert [each.engine for each in ranked] == list(ENGINES)
    assert {each.score for each in ranked} == {0.0} and ranked[0].reasons == ()


@pytest.mark.parametrize(
    ("weights", "known", "said"),
    [
        ({"speed": 1}, (), "weights must be one of 'order', .*, got 'speed'"),
        ({"order": 4}, (), r"weights\['order'\] must be .*3.*, got 4"),
        ({"order": -1}, (), r"weights\['order'\] must .*, got -1"),
        ({"order": 1}, ("nats",), "known must be one of 'kafka', .*, got 'nats'"),
    ],
)
def test_an_unknown_need_engine_or_weight_is_refused(
    weights: dict[str, float], known: tuple[str, ...], said: str
) -> None:
    """By name, with the list or the range."""
    with pytest.raises(ValueError, match=said):
        rank(weights, known)


def test_the_first_place_is_sure_without_doubt_and_less_so_with_it() -> None:
    """Half a draw above and half below: with the weights as they are, and with each at its end."""
    close = {"order": 1.0, "delay": 1.0, "priority": 0.9, "effort": 1.0}
    assert rank(close)[0].engine == "sqs"
    assert first_share(close, (), 0.0, lambda need, i: 0.99) == 1.0
    assert first_share(close, (), 1.5, lambda need, i: 0.5) == 1.0

    def half(need: str, i: int) -> float:
        return 0.999 if need == "priority" and i % 2 else 0.001 if i % 2 else 0.5

    # In every second draw only priority counts, and RabbitMQ has most of it.
    assert first_share(close, (), 1.5, half) == 0.5 and DRAWS % 2 == 0


def test_an_engine_that_lacks_a_must_is_first_in_no_draw() -> None:
    """SQS has most points for these needs, but a must that it lacks stays a must."""
    weights = {"replay": 3, "effort": 2, "cost": 2}
    first = rank(weights)[0].engine
    assert first != "sqs"
    assert first_share(weights, (), 1.5, lambda need, i: 0.0 if need == "replay" else 0.999) == 1.0
