"""Unit 14: the lab says which engine is first, why, and what speaks against it."""

from typing import Any

import pandas as pd
import pytest

from mqlearn.lab import Lab
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.units.choosing_a_technology.choice import rank
from mqlearn.units.choosing_a_technology.needs import QUESTIONS
from mqlearn.units.choosing_a_technology.scenario import EngineChoice
from mqlearn.units.choosing_a_technology.use_cases import USE_CASES
from tests.units import words_14  # noqa: F401 -- its claims are registered by the import
from tests.units.verdicts import lies

NOTHING: dict[str, Any] = dict.fromkeys(QUESTIONS, 0.0)


def test_the_verdict_names_the_first_two_reasons_and_what_speaks_against_it() -> None:
    """In the words of the table; the title has the second engine and how sure the first is."""
    run = EngineChoice(**EngineChoice.PRESETS["stream processing"]).run(seed=0)
    assert run.verdict == (
        "Kafka is first, 92 of 100: one key is in one partition, and a partition keeps its order; "
        "with acks=all and min.insync.replicas=2 of 3, one may be lost. Against it: you run three "
        "brokers, plan partitions and watch disks."
    )
    assert run.headline == (
        "Kafka 92, Pulsar 89 of 100; first in 100% of 500 rankings with weights off by up to 0.5"
    )
    assert run.totals["kafka"] == pytest.approx(91.667, abs=0.001)
    assert run.totals["first_%"] == 100


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (NOTHING, "Nothing is asked for, so every engine will do."),
        (
            NOTHING | {"fan_out": 1.0},
            "Kafka and RabbitMQ are level, 100 of 100. Kafka: each consumer group reads all of it "
            "at its own pace. Not asked for, but against it: a delayed message would hold up its "
            "whole partition.",
        ),
        (
            NOTHING | {"replay": 3.0, "known": "sqs", "known_by_team": 3.0},
            "No engine has all the musts. Kafka has most points, 50 of 100: what was read stays "
            "for 7 days by default, and groups can go back. But it is ruled out: your team does "
            "not run it yet.",
        ),
        (
            NOTHING | {"latency": 1.0, "effort": 1.0},
            "Redis Streams and Redis Pub/Sub are level, 83 of 100. Redis Streams: it answers from "
            "memory and wakes a waiting reader at once. Against it: you run one small process and "
            "watch its memory.",
        ),
        (
            NOTHING | {"known": "redis", "known_by_team": 3.0, "delay": 1.0},
            "Redis Streams is first, 83 of 100: your team runs it already. Against it: you build "
            "it with a sorted set of due times and a loop.",
        ),
        (
            NOTHING | {"known_by_team": 3.0},
            "Nothing is asked for, so every engine will do. known_by_team changes nothing while "
            "known is none.",
        ),
        (
            NOTHING | {"effort": 1.0, "latency": 0.5},
            "Amazon SQS and Redis Streams are level, 78 of 100. Amazon SQS: there is no server to "
            "run. Against it: every call is an HTTPS request, and a consumer has to ask.",
        ),
    ],
)
def test_ties_musts_and_no_needs_are_said_as_they_are(settings: dict[str, Any], said: str) -> None:
    """Each verdict is also held against the table."""
    run = EngineChoice(**settings).run(seed=0)
    assert run.verdict.startswith(said)
    assert lies(run) == []


@pytest.mark.parametrize("doubt", [0.0, 0.25, 1.5])
@pytest.mark.parametrize("seed", [0, 5])
def test_how_sure_the_first_place_is_depends_on_the_doubt(doubt: float, seed: int) -> None:
    """Held against a count of its own; without doubt nothing is said."""
    run = EngineChoice(doubt=doubt, priority=2.0).run(seed=seed)
    assert lies(run) == []
    assert ("rankings" in run.headline) == (doubt > 0)


def test_another_seed_draws_other_weights() -> None:
    """The ranking stays, the share of the first place does not."""
    one, other = (EngineChoice(doubt=1.5).run(seed=seed) for seed in (0, 2))
    assert one.verdict == other.verdict and one.headline != other.headline
    assert EngineChoice(doubt=1.5).run(seed=0).headline == one.headline


def test_a_weight_that_is_moved_leaves_the_draws_of_the_others_alone() -> None:
    """A need that is not asked for draws nothing for the needs that are."""
    kept = EngineChoice(known_by_team=2.0).run(seed=3)
    assert kept.headline == EngineChoice().run(seed=3).headline


def test_the_presets_are_the_use_cases() -> None:
    """With each need that a use case does not have at 0."""
    assert list(EngineChoice.PRESETS) == list(USE_CASES)
    for name, preset in EngineChoice.PRESETS.items():
        first = rank(USE_CASES[name].weights)[0]
        assert EngineChoice(**preset).run().verdict.startswith(first.name)


def test_no_queue_is_used() -> None:
    """And no time passes, on threads neither."""
    with pytest.raises(ValueError, match="queue must be None, since engines are ranked here"):
        EngineChoice().run(queue=InMemoryMessageQueue())
    live = EngineChoice().run(runtime=ThreadRuntime())
    assert live.headline == EngineChoice().run().headline and not live.trace.records


def test_the_lab_shows_the_ranking_and_the_measurements(recorded: pd.DataFrame) -> None:
    """In the order of the ranking; a baseline, a prediction and the step-through work."""
    lab = Lab(EngineChoice)
    lab.preset("stream processing")
    lab.predict(80)
    lab.room([60, 90])
    assert "You said 80, it is 92." in lab.verdict and "The room's 2 answers" in lab.verdict
    ranking, measured = lab.charts["ranking"], lab.charts["measured"]
    assert ranking.marks.line.get_xdata()[0] == 80
    assert [label.text for label in measured.names if label.text] == [
        "Kafka log",
        "Kafka share group",
        "Redis Streams",
        "SQS (ElasticMQ)",
    ]
    lab.keep()
    lab.preset("chat")
    assert len(ranking.bars.ghost.get_paths()) == 6
    lab.step(0)
    assert lab.sentence.startswith("At 0 s: 0 waiting")
    lab.step(None)
    assert lab.sentence.startswith("Ranking: Redis Pub/Sub 93, ")
    assert "order=0.0" in lab.code()


@pytest.mark.usefixtures("unrecorded")
def test_without_a_recording_the_lab_ranks_all_the_same() -> None:
    """The chart beside the ranking says that nothing is measured."""
    lab = Lab(EngineChoice)
    assert lab.charts["measured"].empty.text == "nothing is measured yet"
    assert "Measured: no table." in lab.sentence and lab.run.verdict.startswith("Amazon SQS")
