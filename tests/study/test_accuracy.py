"""Simulated mean waits against theory, by the real simulation, queue and processor; Little's law on each run."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, MessageProcessor, Simulation, Trace
from mqlearn.study import theory

MESSAGES = 40_000
URGENT_FIRST = tuple(sorted(MessagePriority, key=lambda p: -p.value))


def simulate(rate: float, mu: float, servers: int, *, constant: bool = False,
             shares: tuple[float, ...] = (0.0, 0.0, 1.0, 0.0)) -> tuple[Trace, float]:
    """Send `MESSAGES` at `rate` per second to `servers` workers; the trace and the time of the last ack (s)."""
    with Simulation(seed=1) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(10**6, visibility_timeout=None, runtime=sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda m: sim.sleep(m.body["service"]))

        def produce() -> None:
            for i in range(MESSAGES):
                sim.sleep(-math.log(1 - sim.draw("gap", i)) / rate)
                service = 1 / mu if constant else -math.log(1 - sim.draw("service", i)) / mu
                mark, k = sim.draw("priority", i), 0
                while k < 3 and mark >= sum(shares[:k + 1]):
                    k += 1
                queue.send(Message(id=f"m-{i}", body={"service": service}, priority=URGENT_FIRST[k]))

        processor.start_workers(servers)
        sim.spawn(produce)
        sim.run()
        assert trace.balance().completed == MESSAGES
        return trace, sim.now


def waits(trace: Trace) -> list[tuple[str, float]]:
    """(priority, seconds from send to receive) of each message, in sending order."""
    sent = {r[3]: r[0] for r in trace.records if r[1] == "sent"}
    got = {r[3]: (r[5], r[0] - sent[r[3]]) for r in trace.records if r[1] == "received"}
    return [got[entry] for entry in sent]


def check_little(trace: Trace, end: float) -> None:
    """L is integrated over the depth steps, W averaged from each message's own times: L = λW."""
    area, depth, last = 0.0, 0, 0.0
    for time, event, *_ in trace.records:
        if event in {"sent", "acked"}:
            area, depth, last = area + depth * (time - last), depth + (1 if event == "sent" else -1), time
    sent = {r[3]: r[0] for r in trace.records if r[1] == "sent"}
    stays = [r[0] - sent[r[3]] for r in trace.records if r[1] == "acked"]
    assert area / end == pytest.approx(len(stays) / end * fmean(stays), rel=1e-9)


def relative_error(values: list[float], expected: float) -> tuple[float, float]:
    """How far the mean is off, and its standard error from 20 batch means, both as shares of `expected`."""
    size = len(values) // 20
    batches = [fmean(values[i * size:(i + 1) * size]) for i in range(20)]
    return fmean(values) / expected - 1, stdev(batches) / math.sqrt(20) / expected


@pytest.mark.parametrize(("rate", "servers", "constant"), [
    (0.5, 1, False), (0.5, 1, True),
], ids=["M/M/1", "M/D/1"])
def test_mean_wait_is_within_five_percent_of_theory(rate: float, servers: int, constant: bool) -> None:
    """Within 5 % over 40,000 messages, where one standard error (batch means, asserted) is at most 4 %."""
    trace, end = simulate(rate, 1.0, servers, constant=constant)
    expected = theory.md1_wait(rate, 1.0) if constant else theory.mmc_wait(rate, 1.0, servers)
    off, error = relative_error([wait for _, wait in waits(trace)], expected)
    print(f"off {off:+.2%}, standard error {error:.2%}")
    assert abs(off) <= 0.05
    assert error <= 0.04
    check_little(trace, end)


def test_priority_waits_are_within_five_percent_of_cobham() -> None:
    """All four priorities within 5 % of Cobham's at a load of 0.6."""
    shares = (0.2, 0.25, 0.3, 0.25)
    trace, end = simulate(0.6, 1.0, 1, shares=shares)
    for priority, wait in zip(URGENT_FIRST, theory.priority_waits([0.6 * s for s in shares], 1.0), strict=True):
        off, error = relative_error([w for name, w in waits(trace) if name == priority.name], wait)
        print(f"{priority.name}: off {off:+.2%}, standard error {error:.2%}")
        assert abs(off) <= 0.05
    check_little(trace, end)
