"""The loops of notebook 06, read from its own cells: each loses, holds or repeats orders as its
chart there shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mqlearn.study.analysis.batches import BatchAnalysis
from mqlearn.study.run import Run
from mqlearn.units.batching.by_hand import regular_times, run_batch_loop, run_batch_processor
from tests.house.source import ROOT

NOTEBOOK = ROOT / "notebooks" / "06_batching.ipynb"
DEFINED = (
    "def since_last_batch",
    "def collect",
    "def since_first_order",
    "def leaving_out",
    "def one_answer",
)
BURSTS = [start + 0.2 * number for start in (10, 20, 30) for number in range(10)]


def cells() -> Iterator[str]:
    """The notebook's code, cell by cell."""
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


@pytest.fixture(scope="module")
def loops() -> dict[str, Any]:
    """What the first cell imports and defines, and of those cells what they define."""
    names: dict[str, Any] = {}
    first, *rest = cells()
    exec(first, names)
    for cell in rest:
        if cell.startswith(DEFINED):
            exec(cell.split("\n\n")[0], names)
    assert {name.removeprefix("def ") for name in DEFINED} <= names.keys()
    return names


def sizes(run: Run) -> list[int]:
    """How many orders each call had."""
    return [size for _, size, _ in BatchAnalysis(run.trace.records).calls]


def test_a_batch_by_size_alone_keeps_the_last_orders_for_ever(loops: dict[str, Any]) -> None:
    """Three of twenty-three are in flight after an hour; the package hands them on after its
    linger.
    """
    run = run_batch_loop(loops["by_size"], regular_times(23), until=3600.0)
    assert sizes(run) == [10, 10] and run.trace.balance().in_flight == 3
    assert run_batch_processor(regular_times(23), 10, 20.0, until=60.0).totals["done"] == 23


def test_a_time_since_the_batch_before_sends_one_alone_and_holds_the_rest(
    loops: dict[str, Any],
) -> None:
    """Bursts of ten leave as one and nine, two and eight, three and seven; since the first order,
    as ten.
    """
    assert sizes(run_batch_loop(loops["since_last_batch"], BURSTS, until=40.0)) == [
        1,
        9,
        2,
        8,
        3,
        7,
    ]
    mended, package = (
        run_batch_loop(loops["since_first_order"], BURSTS, until=40.0),
        run_batch_processor(BURSTS, until=40.0),
    )
    assert sizes(mended) == [10, 10, 10]
    assert BatchAnalysis(mended.trace.records).calls == BatchAnalysis(package.trace.records).calls


def test_a_result_list_of_the_wrong_length_acks_by_accident(loops: dict[str, Any]) -> None:
    """Order-3 is acked and was never written; order-10 was written and is in flight for ever."""
    run = run_batch_loop(loops["leaving_out"], regular_times(10, every=0.1))
    handled, jobs = set(run.tries().message_id), run.jobs()
    acked = set(jobs.message_id[jobs.outcome == "completed"])
    assert (acked - handled, handled - acked) == ({"order-3"}, {"order-10"})
    assert run.trace.balance().in_flight == 1


def test_one_answer_for_ten_buries_nine_good_orders(loops: dict[str, Any]) -> None:
    """They come back three times and die; settled each by its own result, none of them does."""
    tens = [float(second) for second in range(1, 7) for _ in range(10)]
    spoilt = BatchAnalysis(
        run_batch_loop(loops["one_answer"], tens, bad={"order-14"}, until=8.0).trace.records
    )
    assert (spoilt.redelivered, spoilt.dead_good) == (27, 9)
    alone = run_batch_processor(tens, bad={"order-14"}, until=8.0, on_failure="failures")
    assert BatchAnalysis(alone.trace.records).redelivered == 0 and alone.totals["dead"] == 1


def test_a_stopped_loop_leaves_its_batch_in_flight(loops: dict[str, Any]) -> None:
    """Three orders are nobody's, for ever; the package writes them, or gives them back."""
    books = {
        "naive": run_batch_loop(
            loops["since_last_batch"], regular_times(13), closes_at=13.5, until=3600.0
        ),
        "flush": run_batch_processor(regular_times(13), closes_at=13.5, on_stop="flush"),
        "return": run_batch_processor(regular_times(13), closes_at=13.5, on_stop="return"),
    }
    left = {name: run.trace.balance() for name, run in books.items()}
    assert {
        name: (each.completed, each.waiting, each.in_flight) for name, each in left.items()
    } == {"naive": (10, 0, 3), "flush": (13, 0, 0), "return": (11, 2, 0)}
    assert {name: run.verdict for name, run in books.items()} == {
        "naive": "13 sent: 10 done, 0 dead, 0 waiting, 3 in flight.",
        "flush": "13 sent: 13 done, 0 dead, 0 waiting.",
        "return": "13 sent: 11 done, 0 dead, 2 waiting.",
    }


def test_a_lease_ends_while_a_batch_fills(loops: dict[str, Any]) -> None:
    """By hand ten leases are lost and nine orders are written twice; in the package none."""
    run = run_batch_loop(loops["by_size"], regular_times(20), workers=2, lease=6.0)
    assert sum(record.event == "lease_lost" for record in run.trace.records) == 10
    assert (run.tries().groupby("message_id").size() > 1).sum() == 9
