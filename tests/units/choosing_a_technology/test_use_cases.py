"""Unit 14: the course text's ten use cases, each with needs, an engine and a notebook."""

from mqlearn.units import COURSE
from mqlearn.units.choosing_a_technology.choice import NAMES, rank
from mqlearn.units.choosing_a_technology.needs import ENGINES, QUESTIONS
from mqlearn.units.choosing_a_technology.use_cases import USE_CASES, use_case_table
from scripts.write_notebooks import NOTEBOOKS

# The engines that a specialist would accept as first.
ACCEPTED = {
    "microservices": {"rabbitmq", "sqs"},
    "ETL": {"kafka", "pulsar"},
    "stream processing": {"kafka", "pulsar"},
    "batch orchestration": {"sqs", "rabbitmq"},
    "chat": {"redis_pubsub", "redis"},
    "notifications": {"redis_pubsub", "redis"},
    "leaderboards": {"redis", "redis_pubsub"},
    "legacy integration": {"rabbitmq"},
    "API rate limiting": {"sqs", "rabbitmq"},
    "data synchronisation": {"kafka", "pulsar"},
}


def test_the_ten_use_cases_of_the_course_text_are_there() -> None:
    """Each with needs of the list, a sentence, and a notebook of the course."""
    assert list(USE_CASES) == list(ACCEPTED)
    for name, case in USE_CASES.items():
        assert set(case.weights) <= {*QUESTIONS} - {"known_by_team"}, name
        assert all(0 < weight <= 3 for weight in case.weights.values()), name
        assert case.because.endswith("."), name
        assert (NOTEBOOKS / f"{case.notebook}.ipynb").is_file(), name
        assert case.notebook[3:] in COURSE, name


def test_each_has_an_engine_that_a_specialist_would_take() -> None:
    """And four of the engines are first somewhere, so the table favours none."""
    first = {name: rank(case.weights)[0].engine for name, case in USE_CASES.items()}
    assert all(first[name] in ACCEPTED[name] for name in first), first
    assert set(first.values()) == {*ENGINES} - {"pulsar"}


def test_the_table_has_the_reasons_in_words() -> None:
    """A row for each use case: need and sentence for the two reasons and the one against."""
    table = use_case_table()
    assert list(table.index) == list(USE_CASES) and set(table["first"]) <= set(NAMES.values())
    row = table.loc["stream processing"]
    assert (row["first"], row["score"], row["next"]) == ("Kafka", 92, "Pulsar (89)")
    assert row["reason"] == "order: one key is in one partition, and a partition keeps its order"
    assert row["second reason"].startswith("durability: ") and row["against"].startswith("effort: ")
