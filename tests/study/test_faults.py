"""Faults of the handler: each strikes what it should, as often as it should."""

from __future__ import annotations

from collections import Counter

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation, ThreadRuntime
from mqlearn.study.faults import Faults, Link
from tests.study.faulty import LEASE, ORDERS, events, near, outcomes, work


def test_the_failure_rate_is_that_of_tries() -> None:
    """A share of tries fails, by chance and without an effect; what is left of a message's tries
    succeeds.
    """
    run, effects = work(Faults(failure_rate=0.3))
    ended = Counter(outcomes(run).values())
    assert set(ended) == {"completed", "failed: chance"}
    assert near(ended["failed: chance"], ended.total(), 0.3)
    assert effects.total() == ended["completed"] == run.totals["done"]


def test_poison_fails_every_try_and_only_its_own() -> None:
    """A poisonous message dies after all its tries, also in its next life; every other is done at
    its first.
    """
    run, effects = work(Faults(poison=0.1), redrive=True)
    tries: dict[str, list[str]] = {}
    for (message, _), how in outcomes(run).items():
        tries.setdefault(message, []).append(how)
    poisoned = {message for message, how in tries.items() if "failed: poison" in how}
    assert near(len(poisoned), ORDERS, 0.1)
    assert all(tries[message] == ["failed: poison"] * 8 for message in poisoned)
    assert all(tries[message] == ["completed"] for message in set(tries) - poisoned)
    assert run.totals["dead"] == len(poisoned) and not poisoned & set(effects)


@pytest.mark.parametrize(("field", "before"), [("crash_before", True), ("crash_after", False)])
def test_a_crash_settles_nothing(field: str, before: bool) -> None:
    """The worker dies before or after the effect, the message returns when its lease ends, and is
    tried anew.
    """
    run, effects = work(Faults(**{field: 0.1}), workers=4)
    crashed = {key for key, how in outcomes(run).items() if how == "crashed"}
    assert near(len(crashed), len(outcomes(run)), 0.1)
    lost = events(run, "lease_lost") + events(run, "dead")
    assert {(r.message_id, r.attempt) for r in lost} == crashed
    began = {(r.message_id, r.attempt): r.time for r in events(run, "received")}
    assert all(r.time - began[r.message_id, r.attempt] == pytest.approx(LEASE) for r in lost)
    expected = Counter(
        message for message, _ in (outcomes(run).keys() - crashed if before else outcomes(run))
    )
    assert effects == expected


def test_without_a_lease_a_crash_takes_the_message_with_it() -> None:
    """What a dead worker held stays in flight for ever, and the books say so."""
    run, _ = work(Faults(crash_before=0.1), lease=None)
    lost = list(outcomes(run).values()).count("crashed")
    assert lost > 10 and run.trace.balance().in_flight == lost


def test_an_outage_is_a_window() -> None:
    """Every try whose work ends in the window fails, the first instant included and the last
    excluded; no other.
    """
    run, _ = work(Faults(outage=(100.0, 160.0)))
    failed = [
        r.time for r in run.trace.records if r.event == "finished" and r.detail == "failed: outage"
    ]
    fine = [r.time for r in run.trace.records if r.event == "finished" and r.detail == "completed"]
    assert min(failed) == 100.0 and max(failed) < 160.0 and 160.0 in fine
    assert not [time for time in fine if 100.0 <= time < 160.0]


def test_the_named_worker_is_slow() -> None:
    """worker-1 takes three times as long at its work, its colleague as long as ever."""
    run, _ = work(Faults(slow_worker="worker-1", slow_factor=3.0), spacing=0.1, lease=None)
    table = run.tries()
    assert set((table["end"] - table["start"])[table["worker"] == "worker-1"].round(9)) == {3.0}
    assert set((table["end"] - table["start"])[table["worker"] == "worker-0"].round(9)) == {1.0}


def test_a_share_of_the_workers_is_slow() -> None:
    """A worker is slow or it is not: all its tries agree; a larger share only adds to the slow
    ones.
    """
    slow = []
    for share in (0.3, 0.6, 1.0):
        table = work(Faults(slow_worker=share, slow_factor=2.0), workers=20, spacing=0.01)[
            0
        ].tries()
        took = {
            worker: set((rows["end"] - rows["start"]).round(9))
            for worker, rows in table.groupby("worker")
        }
        assert all(seconds in ({1.0}, {2.0}) for seconds in took.values())
        slow.append({worker for worker, seconds in took.items() if seconds == {2.0}})
    assert slow[0] < slow[1] < slow[2] == set(took)


def test_a_slow_worker_is_slow_at_a_handler_that_waits_by_itself() -> None:
    """What the handler takes inside is stretched as well."""
    with Simulation() as sim:
        slow = Faults(slow_worker="clerk", slow_factor=3.0).handler(lambda _: sim.sleep(2.0), sim)
        sim.spawn(slow, Message(), name="clerk")
        sim.run()
        assert sim.now == 6.0


def test_seconds_may_depend_on_the_message() -> None:
    """Each message brings its own work."""
    with Simulation() as sim:
        handler = Faults().handler(lambda _: None, sim, seconds=lambda m: m.body["seconds"])
        handler(Message(body={"seconds": 2.5}))
        assert sim.now == 2.5


def test_it_works_on_threads() -> None:
    """The same wrappers on real threads: the same draws, so the same messages fail."""
    failed: list[set[str]] = []
    for runtime in (ThreadRuntime(), Simulation()):
        faults = Faults(failure_rate=0.3)
        handler = faults.handler(lambda _: None, runtime)
        found = set()
        for number in range(100):
            try:
                handler(Message(id=f"order-{number}"))
            except Exception:
                found.add(f"order-{number}")
        failed.append(found)
    assert failed[0] == failed[1] and near(len(failed[0]), 100, 0.3)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        *[
            (field, value, ValueError)
            for value in (-0.1, 1.1, float("nan"))
            for field in (
                "failure_rate",
                "poison",
                "crash_before",
                "crash_after",
                "lost_ack",
                "duplicates",
                "slow_worker",
            )
        ],
        *[
            (field, "often", TypeError)
            for field in ("failure_rate", "poison", "crash_after", "slow_factor")
        ],
        ("slow_factor", 0.5, ValueError),
        ("slow_worker", None, TypeError),
        ("outage", 5.0, TypeError),
        ("outage", (1.0,), TypeError),
        ("outage", [1.0, 2.0], TypeError),
        ("outage", ("a", 2.0), TypeError),
        ("outage", (3.0, 2.0), ValueError),
        ("outage", (0.0, float("inf")), ValueError),
    ],
)
def test_a_bad_value_is_refused_by_name(field: str, value: object, error: type[Exception]) -> None:
    """The error names the parameter and ends with the value."""
    with pytest.raises(error, match=rf"^{field} must .*got ") as refused:
        Faults(**{field: value})  # type: ignore[arg-type]
    said = str(refused.value).partition(", got ")[2]
    assert said and said in repr(value)


def test_bad_arguments_of_the_wrappers_are_refused_by_name() -> None:
    """What is no function, runtime, queue or time is refused before anything is wrapped."""
    with Simulation() as sim:
        for arguments, error, name in [
            ((None, sim), TypeError, "fn"),
            ((print, None), TypeError, "runtime"),
        ]:
            with pytest.raises(error, match=f"^{name} must be"):
                Faults().handler(*arguments)
        with pytest.raises(ValueError, match=r"^seconds must not be negative, got -1"):
            Faults().handler(print, sim, seconds=-1)
        with pytest.raises(TypeError, match=r"^queue must be MessageQueue"):
            Faults().link("orders")  # type: ignore[arg-type]
        assert isinstance(Faults().link(InMemoryMessageQueue(runtime=sim)), Link)
