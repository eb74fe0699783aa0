"""Random days keep the rules; a day that breaks one says how to see it again; no fault put in on
purpose gets away.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product

import pytest

from mqlearn import Permit
from mqlearn.runtime.events import MOVES
from tests.chaos.__main__ import judged, replay
from tests.chaos.day import KINDS, draw_day
from tests.chaos.harms import BATCH, DEDUP, HARMS, QUEUE, Harm, without
from tests.chaos.rules import chaos

DAYS = 400  # what `make test` lives through; `make chaos` takes thousands
BESIDE = {
    "started",
    "finished",
    "batched",
    "scaled",
    "extended",
    "stale",
    "rejected",
    "deduplicated",
    "lost_ack",
    "opened",
    "half_opened",
    "closed",
    "probed",
}  # kinds of records that move no entry


def test_hundreds_of_random_days_keep_every_rule() -> None:
    """Books, leases, retries, probes, batches, claims and metrics; and nothing that can happen was
    missing.
    """
    met: Counter[str] = Counter()
    for seed in range(DAYS):
        met += chaos(seed)
    assert met.keys() == (MOVES.keys() - {"existing", "repeated", "reappeared"}) | BESIDE
    assert min(met.values()) >= 20


def test_the_days_differ_in_everything() -> None:
    """Each kind of processor with each way to be full and each lease, with and without each sort of
    fault.
    """
    days = [draw_day(seed) for seed in range(DAYS)]
    assert {(day.kind, day.queue["on_full"]) for day in days} == set(
        product(KINDS, ("reject", "block", "drop_oldest"))
    )
    assert {(day.kind, day.newest_first) for day in days} == set(product(KINDS, (True, False)))
    assert {(day.kind, day.queue["visibility_timeout"]) for day in days} == set(
        product(KINDS, (None, 1.0, 4.0, 30.0))
    )
    for fault in (
        "failure_rate",
        "poison",
        "crash_before",
        "crash_after",
        "lost_ack",
        "duplicates",
        "outage",
    ):
        assert {bool(getattr(day.faults, fault)) for day in days} == {True, False}, fault
    assert {operation for day in days for _, operation in day.operations} == {
        "stop",
        "restart",
        "redrive",
        "purge",
        "wake",
        "close",
        "scale",
    }


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_fault_on_purpose_is_caught(harm: Harm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the same few hundred days, the first of which that sees it is enough; and not because
    it cannot run.
    """
    harm(monkeypatch)
    cannot_run = re.compile("(Name|Type|Attribute|Syntax|UnboundLocal)Error")
    found = (judged(seed)[0] for seed in range(DAYS))
    assert next((wrong for wrong in found if wrong and not cannot_run.search(wrong)), "")


def test_a_method_that_is_written_anew_without_a_fault_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the faults are put in with changes nothing by itself, in plain methods, with `super()`,
    in properties.
    """
    for owner, method in (
        (QUEUE, "send"),
        (DEDUP, "send"),
        (Permit, "current"),
        (BATCH, "_process"),
    ):
        without(owner, method, "def ", "def ")(monkeypatch)
    for seed in range(40):
        chaos(seed)


def test_a_broken_day_is_told_with_its_records_and_one_line_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same seed breaks the same rule again, and the command prints the day's settings with
    it.
    """
    HARMS["a failure is charged twice"](monkeypatch)
    wrong, _ = judged(0)
    assert wrong.splitlines()[0].startswith("seed 0: (called) message-")
    assert "failures were charged" in wrong and "'event': 'received'" in wrong
    assert wrong.splitlines()[-1] == "to see it again: python -m tests.chaos 0"
    assert not replay(0)
    told = capsys.readouterr().out
    assert wrong in told and "faults = Faults(" in told and "message-0 (order-0" in told
    monkeypatch.undo()
    assert replay(0)
