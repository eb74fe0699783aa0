"""The figures that notebook 06 and its notes for instructors state in prose, and those that no cell
of it prints.
"""

from __future__ import annotations

import json
import random
import zlib
from itertools import accumulate
from typing import Any

import pytest

from mqlearn import Message, Simulation
from mqlearn.messaging.percentile import percentile
from mqlearn.study.analysis.batches import BatchAnalysis
from mqlearn.units.batching.by_hand import regular_times, run_batch_loop, run_batch_processor
from mqlearn.units.batching.scenario import BatchedWriter
from mqlearn.units.batching.store import BadRecord, BulkStore, bisected

PRESETS = BatchedWriter.PRESETS


def totals(preset: str = "", **moved: Any) -> dict[str, float]:
    """What a preset comes to with some fields moved."""
    return BatchedWriter(**{**PRESETS.get(preset, {}), **moved}).run(0).totals


def p99_ms(rate: float, size: int, linger: float, orders: int = 15000) -> float:
    """The 99th percentile of the latency over a long run (ms), the first tenth of it left out."""
    dice = random.Random(6)
    times = list(accumulate(dice.expovariate(rate) for _ in range(orders)))
    run = run_batch_processor(times, size, linger, until=times[-1])
    late = sorted(
        latency for when, latency in BatchAnalysis(run.trace.records).done if when > times[-1] / 10
    )
    return 1000 * percentile(late, 99)


@pytest.mark.parametrize(
    ("rate", "size", "linger", "ms"),
    [
        (5.0, 100, 0.1, 200),
        (600.0, 100, 0.1, 329),
        (600.0, 500, 0.2, 1091),
        (5.0, 100, 0.4, 500),
    ],
)
def test_the_percentiles_of_a_plan(rate: float, size: int, linger: float, ms: float) -> None:
    """A size of 100 with a linger of 0.1 s keeps 500 ms at 5 and at 600 a second; longer or larger
    ones do not.
    """
    assert p99_ms(rate, size, linger) == pytest.approx(ms, rel=0.05)


def test_a_size_of_50_cannot_keep_up_with_the_rush_hour() -> None:
    """It is unstable, since more than 75 are needed."""
    assert totals("rush hour")["left"] > 250 and totals("rush hour", size=80)["left"] < 150


@pytest.mark.parametrize(("orders", "calls"), [(16, 9), (128, 15)])
def test_halving_finds_one_bad_order_with_few_calls(orders: int, calls: int) -> None:
    """2·log₂n + 1, wherever it is; and every good one is written once."""
    for bad in (1, orders // 2, orders):
        with Simulation() as sim:
            store = BulkStore(sim, bad={f"order-{bad}"})
            batch = [Message(id=f"order-{number}") for number in range(1, orders + 1)]
            with pytest.raises(BadRecord, match=f"among {orders}"):
                store.load(batch)
            results = bisected(batch, store.load)
            assert [order.id for order, good in zip(batch, results, strict=True) if not good] == [
                f"order-{bad}"
            ]
            assert len(store.calls) == calls and set(store.written.values()) == {1}
            assert store.written.total() == orders - 1


def test_orders_are_alike_and_only_a_batch_can_tell() -> None:
    """A hundred orders are 33 kB of JSON, 14.1 kB compressed singly, 1.1 kB together (more or
    less).
    """

    def order(n: int) -> dict[str, Any]:
        lines = [
            {"article": f"book-{n + k}", "quantity": 1, "unit_price": 19.9, "currency": "EUR"}
            for k in range(3)
        ]
        return {
            "order": f"order-{n}",
            "status": "paid",
            "customer": f"customer-{n % 10}",
            "city": "Bonn",
            "lines": lines,
        }

    texts = [json.dumps(order(n)).encode() for n in range(1, 101)]
    assert sum(map(len, texts)) == pytest.approx(33_000, abs=500)
    assert sum(len(zlib.compress(text)) for text in texts) == pytest.approx(14_100, rel=0.03)
    assert len(zlib.compress(b"".join(texts))) == pytest.approx(1_100, rel=0.15)


@pytest.mark.parametrize(
    ("linger", "ms", "calls"),
    [
        (5.0, 5100, 38),
        (0.2, 300, 489),
        (0.15, 251, 564),
        (0.1, 200, 650),
    ],
)
def test_what_a_linger_costs_at_night(linger: float, ms: float, calls: int) -> None:
    """A short one brings 99 % below 300 ms, for many more calls."""
    found = totals("night traffic", linger=linger)
    assert 1000 * found["p99_s"] == pytest.approx(ms, abs=3) and found["calls"] == calls


@pytest.mark.parametrize(
    ("size", "mean", "p99"), [(80, 201, 280), (100, 230, 323), (150, 313, 458)]
)
def test_the_best_size_of_the_rush_hour_is_the_smallest_that_keeps_up(
    size: int, mean: float, p99: float
) -> None:
    """80 is as good as any; a larger one makes orders wait for longer calls."""
    found = totals("rush hour", size=size)
    assert (1000 * found["mean_s"], 1000 * found["p99_s"]) == pytest.approx((mean, p99), abs=2)


@pytest.mark.parametrize(
    ("on_failure", "dead", "calls"),
    [
        ("all", 410, 224),
        ("failures", 51, 117),
        ("bisect", 52, 421),
    ],
)
def test_one_bad_order_in_twenty(on_failure: str, dead: int, calls: int) -> None:
    """One answer for all buries 410 of 1,000, halving costs four calls for one."""
    found = totals("one bad record", bad=0.05, on_failure=on_failure)
    assert (found["dead"], found["calls"]) == (dead, calls)


@pytest.mark.parametrize(
    ("workers", "size", "ms"), [(1, 8, 96), (2, 8, 104), (2, 4, 73), (1, 50, 341), (2, 50, 538)]
)
def test_what_a_second_worker_does(workers: int, size: int, ms: float) -> None:
    """At 100 a second it helps with batches of four, since one cannot keep up there, and harms with
    larger ones.
    """
    assert 1000 * totals(workers=workers, size=size, linger=5.0)["mean_s"] == pytest.approx(
        ms, abs=1
    )


def test_the_package_keeps_the_leases_of_a_batch_that_fills() -> None:
    """Twenty orders a second apart, two workers, a lease of six seconds, batches of ten: none is
    lost, none twice.
    """
    run = run_batch_processor(regular_times(20), 10, 20.0, workers=2, lease=6.0)
    assert run.totals["done"] == 20 and len(run.tries()) == 20
    assert not any(record.event == "lease_lost" for record in run.trace.records)


def test_a_loop_by_hand_is_watched_as_a_processor_is() -> None:
    """Its calls, its tries and what came of them are on record, until the store closes."""

    def loop(queue: Any, store: Any) -> None:
        while store.open:
            order = queue.receive(timeout=0.5)
            if order:
                (written,) = store.write([order])
                queue.ack(order) if written else queue.nack(order, requeue=False)

    run = run_batch_loop(loop, regular_times(5), bad={"order-2"}, closes_at=4.2)
    found = BatchAnalysis(run.trace.records)
    assert [call[:2] for call in found.calls] == [(1.0, 1), (2.0, 1), (3.0, 1), (4.0, 1)]
    assert run.tries().outcome.tolist() == [
        "completed",
        "failed: the store refused it",
        "completed",
        "completed",
    ]
    assert run.trace.balance().waiting == 1 and run.totals["dead"] == 1 and run.until == 30.0


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: run_batch_loop(5, []), "loop must be callable, got 5"),  # type: ignore[arg-type]
        (lambda: run_batch_loop(print, [], until=0), "until must be positive, got 0"),
        (lambda: run_batch_loop(print, [], workers=0), "workers must be at least 1, got 0"),
        (
            lambda: run_batch_loop(print, [], closes_at=-1.0),
            "closes_at must not be negative, got -1.0",
        ),
        (lambda: run_batch_processor([], handle=5), "handle must be callable, got 5"),  # type: ignore[arg-type]
        (lambda: run_batch_processor([], until=0.0), "until must be positive, got 0.0"),
        (lambda: run_batch_processor([], workers=0), "workers must be at least 1, got 0"),
        (
            lambda: run_batch_processor([], closes_at=-1.0),
            "closes_at must not be negative, got -1.0",
        ),
        (lambda: regular_times(-1), "orders must"),
        (lambda: regular_times(1, every=-1.0), "every must"),
        (lambda: regular_times(1, since=-1.0), "since must not be negative, got -1.0"),
        (lambda: BulkStore(5), "runtime must be"),  # type: ignore[arg-type]
        (lambda: BulkStore(Simulation(), per_call=-1), "per_call must"),
        (lambda: BulkStore(Simulation(), per_item=-1), "per_item must not be negative, got -1"),
        (lambda: BulkStore(Simulation(), bad="order-1"), "bad must be a collection of ids"),
        (lambda: bisected([], 5), "call must be callable"),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, rule: str) -> None:
    """The error names the parameter, the rule and the value."""
    with pytest.raises((TypeError, ValueError), match=rule):
        call()
