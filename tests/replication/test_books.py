"""The books of a replicated log: each replica holds what its records say, and each promise is kept
or lost.
"""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import Producer, ReplicatedLog, Simulation, Trace, UnbalancedBooks
from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.promises import PromiseAnalysis
from tests.replication.broken import ForgetsOneSilently
from tests.replication.day import Day, draw_day, play
from tests.replication.pace import in_step


def test_the_books_close_after_kills_cuts_and_power_cuts() -> None:
    """Each replica's count is added up from its records: appended, fetched, truncated, cut."""
    seen = play(draw_day(4))
    held = {f"replica-{number}": len(copy) for number, copy in enumerate(seen.copies)}
    added = dict.fromkeys(held, 0)
    for record in seen.records:
        if record.event == "appended":
            added[record.worker] += 1
        elif record.event in ("fetched", "truncated", "power_cut"):
            added[record.worker] += record.detail * (1 if record.event == "fetched" else -1)
    assert added == held
    assert seen.trace.balance().accepted == 0  # they are no messages of a queue


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_entry_that_is_dropped_without_a_word_is_found(number: int) -> None:
    """In any copy, acknowledged or not."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace)
        assert [log.append("a"), log.append("b")] == [0, 1]
        sim.run(until=2)
        trace.balance()
        del log.replicas[number].log[0]
        with pytest.raises(
            UnbalancedBooks, match=f"replica-{number} of orders holds 1 entries, its records say 2"
        ):
            trace.balance()


def test_a_log_that_forgets_one_in_all_copies_is_found_at_the_end() -> None:
    """Though its replicas agree."""
    day = Day(0, "all", 3, 2, 1, (0.1, 0.1, 0.1), ())
    with pytest.raises(UnbalancedBooks, match="holds"):
        play(day, ForgetsOneSilently).trace.balance()
    play(day).trace.balance()


def test_a_trace_that_comes_later_begins_with_what_is_there() -> None:
    """Each replica's entries, as one record."""
    with Simulation() as sim:
        log = ReplicatedLog("orders", runtime=sim)
        assert log.append("a") == 0
        trace = Trace()
        trace.watch(log, sim.at_close)
        log.append("b")
        trace.balance()
    assert [(r.event, r.worker, r.entry, r.detail) for r in trace.records[:3]] == [
        ("fetched", "replica-0", 1, 1),
        ("fetched", "replica-1", 1, 1),
        ("fetched", "replica-2", 1, 1),
    ]
    trace.balance()  # after the end of the simulation, too


def test_two_logs_and_a_trace_that_is_read_on_threads_agree() -> None:
    """Those of each are counted for themselves."""
    trace = Trace()
    with Simulation() as sim:
        logs = [ReplicatedLog(name, runtime=sim, trace=trace) for name in ("a", "b")]
        for log in logs:
            log.append("x")
        logs[1].append("y")
        trace.balance()
        with pytest.raises(ValueError, match="name must be unique within one trace, got 'a'"):
            ReplicatedLog("a", runtime=sim, trace=trace)


def acknowledged(value: Any) -> Record:
    """The record that a log makes when it says yes."""
    return Record(1.0, "acknowledged", "orders", message_id=value)


def test_each_promise_is_kept_or_lost() -> None:
    """Sent = acknowledged + others; acknowledged = kept + lost; in the log = kept + others."""
    told = {
        "till": {"a": "yes", "b": "yes", "c": "maybe", "d": "maybe"},
        "desk": {"e": "no", "f": "nothing", "g": "yes"},
    }
    found = PromiseAnalysis(told, ["b", "a", "c", "c", "f"], read=["a", "g", "g"])
    assert (found.sent, found.acknowledged, found.kept, found.lost) == (7, 3, 2, ["g"])
    assert (found.there, found.twice, found.overtaken, found.vanished) == (2, ["c"], ["a"], ["g"])
    assert found.count == {
        ("yes", True): 2,
        ("yes", False): 1,
        ("maybe", True): 1,
        ("maybe", False): 1,
        ("no", False): 1,
        ("nothing", True): 1,
    }
    found.check_records(map(acknowledged, "abg"))
    for records in ("ab", "abgc"):
        with pytest.raises(UnbalancedBooks, match="the first that differs is"):
            found.check_records(map(acknowledged, records))


def test_a_value_out_of_nowhere_and_an_answer_of_its_own_are_refused() -> None:
    """No producer sent it; no producer can be told that."""
    with pytest.raises(UnbalancedBooks, match="the log has 2 values: 1 acknowledged ones and 0"):
        PromiseAnalysis({"till": {"a": "yes"}}, ["a", "b"])
    with pytest.raises(ValueError, match="each answer of till must be one of 'yes', 'no'"):
        PromiseAnalysis({"till": {"a": "perhaps"}}, ["a"])


def test_values_that_are_no_texts_are_compared_by_their_text() -> None:
    """As they stand in the records."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace)
        till = Producer(log, "till")
        till.send((1, "a"))
        sim.run()
        found = PromiseAnalysis({"till": till.told}, log.fetch(0))
    found.check_records(trace.records)
    assert found.acknowledged == 1
