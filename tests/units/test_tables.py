"""What is replayed where an exercise asks for single answers: a table of what was asked and
answered.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from mqlearn.lab import replay
from mqlearn.study.verdict import Verdict, forget, recall, remember
from mqlearn.units.batching.settle import check_settle
from mqlearn.units.circuit_breaker.cooldown import (
    OUTAGES,
    check_cooldown,
    mean_cost,
    outages_of,
    probes,
)
from mqlearn.units.publish_subscribe.apply import check_apply
from mqlearn.units.publish_subscribe.matches import check_matches, pairs_of


@pytest.fixture(autouse=True)
def clean() -> None:
    """Nothing is remembered."""
    forget()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[Verdict], pd.DataFrame]:
    """Replay a verdict; what a notebook would show."""

    def look(verdict: Verdict) -> pd.DataFrame:
        found: list[Any] = []
        monkeypatch.setattr("IPython.display.display", found.append)
        replay(verdict)
        replay(verdict.failing_seed)
        assert len(found) == 2 and found[0].equals(found[1])
        table: pd.DataFrame = found[0]
        return table

    return look


Shown = Callable[[Verdict], pd.DataFrame]


def test_a_cool_down_sees_where_its_costs_come_from(shown: Shown) -> None:
    """By length of the outage; weighted with how many there are, the rows come to what the verdict
    says.
    """
    verdict = check_cooldown(lambda times_opened: 5.0)
    table = shown(verdict)
    total = (table["how many"] * table["cost, s"]).sum() / table["how many"].sum()
    assert table["how many"].sum() == OUTAGES and "cost 166.9 s on average" in verdict.text
    late, looks = mean_cost(probes(lambda times_opened: 5.0)[0], outages_of(0))
    assert total == pytest.approx(late + looks, abs=0.1)
    assert (table["cost, s"] > table["cost with 35 s each time"]).tolist() == [
        False,
        True,
        True,
        True,
    ]


def test_a_cool_down_that_is_none_has_no_table() -> None:
    """Its verdict says it all, and no older run of this seed is shown in its place."""
    remember(0, lambda: "of another exercise")
    verdict = check_cooldown(lambda times_opened: None)  # type: ignore[arg-type, return-value]
    assert verdict.failing_seed is None
    with pytest.raises(LookupError, match="where it keeps none, its verdict says it all"):
        replay(0)


def test_what_was_settled_is_shown_message_by_message(shown: Shown) -> None:
    """The result, what it should come to, what was said; the verdict names the row in which the two
    differ.
    """
    verdict = check_settle(lambda batch, results: ["ack"] * len(batch))
    table = shown(verdict)
    assert "message 3 is acked" in verdict.text
    assert table.index[2] == "order-3" and list(table.iloc[2]) == ["[False]", "nack", "ack"]


@pytest.mark.parametrize("answer", [None, [], ["ack"] * 30, [1, None], "ack"])
def test_an_answer_of_any_form_has_a_table(shown: Shown, answer: Any) -> None:
    """Too few, too many, no list at all: a row for each message and each answer."""
    table = shown(check_settle(lambda batch, results: answer))
    assert len(table) >= 2 and bool((table["you said"] != "").any()) == (answer != [])


def test_results_that_belong_to_nobody_should_be_nacked(shown: Shown) -> None:
    """Who acks the first few of a short list sees it beside every message."""

    def short(batch: list[Any], results: Any) -> list[str]:
        if isinstance(results, list):
            said = ["ack" if result is True else "nack" for result in results]
            return (
                said
                if len(said) == len(batch)
                else said + ["nack: no result"] * (len(batch) - len(said))
            )
        return ["nack: no list"] * len(batch)

    table = shown(check_settle(short))
    assert set(table["should be"]) == {"nack: …"} and "" in set(table["the handler's result"])


def test_a_pattern_sees_all_pairs_of_the_seed_that_it_mistakes(shown: Shown) -> None:
    """The first of them is the one that the verdict tells."""
    verdict = check_matches(lambda pattern, topic: pattern == topic)
    table = shown(verdict)
    assert f"matches({table.index[0]!r}, {table['topic'].iloc[0]!r})" in verdict.text
    assert set(table["your function"]) == {"returned False"} and table["should be"].all()
    assert set(zip(table.index, table["topic"], strict=True)) <= set(pairs_of(0)) and len(
        table
    ) < len(pairs_of(0))


def test_a_view_is_shown_after_each_change(shown: Shown) -> None:
    """The last row is what it should show; the one before is where it went wrong."""
    verdict = check_apply(lambda view, event: view | {event.key: (event.seq, event.value)})
    table = shown(verdict)
    assert table["UA-1545"].tolist() == ["", "", "", "2 deleted", "1 B4", "deleted"]
    assert table.index[-1] == "in order" and ", ".join(table.index[:-1]) in verdict.text


def test_a_view_that_is_none_is_shown_up_to_there(shown: Shown) -> None:
    """What was returned instead, and nothing after it."""
    table = shown(check_apply(lambda view, event: None))  # type: ignore[arg-type, return-value]
    assert len(table) == 2 and set(table.iloc[0]) == {"it returned None"}


def test_a_table_has_no_charts() -> None:
    """And no instant; the error says so and names the value."""
    check_matches(lambda pattern, topic: True)
    assert isinstance(recall(), pd.DataFrame)
    with pytest.raises(
        ValueError, match=r"charts must be none: a table is replayed, got \('depth',\)"
    ):
        replay(0, "depth")
    with pytest.raises(ValueError, match=r"at must be None: a table is replayed, got 3\.0"):
        replay(at=3.0)
