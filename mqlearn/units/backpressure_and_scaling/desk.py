"""The rebooking desk of two flight days: a job for each flight that is cancelled or over an hour
late.

    jobs = rebookings("2013-07-10")
    wait_p95(jobs, clerks=8)                                one line
    wait_p95(jobs, clerks=8, lines=4, by="carrier")         four lines with two clerks each
    staffed(jobs, rule, start_up=20)                        clerks come and go by a scaler's rule
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mqlearn.messaging.autoscaler import Autoscaler, ScalingRule
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.streaming.partitioner import partition_for
from mqlearn.study.flights import flight_events
from mqlearn.units.backpressure_and_scaling.line import served

OPENS = 4 * 3600.0  # 04:00, in seconds since midnight
LATE = 3600.0  # seconds of delay; then the passengers are rebooked
JOB = 600.0  # seconds that a job takes
NO_LIMIT = 1_000_000
FEWEST, MOST = 2, 40  # clerks


@dataclass(frozen=True)
class Rebooking:
    """One job: its `time` in seconds since the desk opened, at 04:00, its flight and carrier."""

    time: float
    flight: str
    carrier: str


def rebookings(day: str) -> list[Rebooking]:
    """Return the jobs of `day` in the order of time.

    A cancelled flight is a job at its scheduled departure, since the recording has no time for a
    cancellation; a flight that leaves over an hour late is one an hour after it was due.
    """
    events = [(e.timestamp or 0.0, str(e.data["flight"]), e.event_type) for e in flight_events(day)]
    # collected first: a flight that leaves early departs before it is due
    due = {flight: time for time, flight, kind in events if kind == "flight_due"}
    jobs = []
    for time, flight, kind in events:
        carrier = flight.partition("-")[0]
        if kind == "flight_cancelled":
            jobs.append(Rebooking(time - OPENS, flight, carrier))
        elif kind == "flight_departed" and time - due[flight] > LATE:
            jobs.append(Rebooking(due[flight] + LATE - OPENS, flight, carrier))
    return sorted(jobs, key=lambda job: job.time)


def waits(
    jobs: Sequence[Rebooking], *, clerks: int, lines: int = 1, by: str = "flight"
) -> list[float]:
    """Return the wait (s) of each job, if the clerks are divided evenly among `lines`, and the
    murmur2 hash of a job's field `by` decides which line it joins.
    """
    check.whole("lines", lines, low=1)
    if check.whole("clerks", clerks, low=1) % lines:
        raise ValueError(f"clerks must be a multiple of lines={lines}, got {clerks}")
    found: list[float] = []
    for line in range(lines):
        times = [j.time for j in jobs if partition_for(getattr(j, by), lines) == line]
        ends = served(times, [JOB] * len(times), workers=clerks // lines, limit=NO_LIMIT)
        found += [
            end - JOB - time for time, end in zip(times, ends, strict=True) if end is not None
        ]
    return found


def wait_p95(
    jobs: Sequence[Rebooking], *, clerks: int, lines: int = 1, by: str = "flight"
) -> float:
    """Return the 95th percentile of the waits, in minutes."""
    return percentile(sorted(waits(jobs, clerks=clerks, lines=lines, by=by)), 95) / 60


def clerk_hours(jobs: Sequence[Rebooking], clerks: int) -> float:
    """Return the hours of all clerks from 04:00 until the last job is done, on one line."""
    times = [job.time for job in jobs]
    ends = served(times, [JOB] * len(times), workers=clerks, limit=NO_LIMIT)
    return clerks * max(end for end in ends if end is not None) / 3600


def staffed(
    jobs: Sequence[Rebooking], rule: ScalingRule, *, start_up: float = 0.0
) -> tuple[float, float]:
    """Return the 95th percentile of the waits (minutes) and the clerk-hours until the last job is
    done, if an `Autoscaler` asks `rule` every minute, keeps at least two clerks, and a new one
    comes after `start_up` minutes.
    """
    found: list[float] = []
    with Simulation() as sim:
        queue = InMemoryMessageQueue(NO_LIMIT, visibility_timeout=None, runtime=sim)
        desk = MessageProcessor(queue)

        def serve(job: Message) -> None:
            assert job.timestamp is not None
            found.append(sim.now - job.timestamp)
            sim.sleep(JOB)

        desk.register_processor("default", serve)
        desk.start_workers(FEWEST)
        limits = (FEWEST, MOST)
        Autoscaler(desk, rule, every=60.0, start_up=60 * start_up, limits=limits).start()
        for number, job in enumerate(jobs):
            sim.run(until=job.time)
            queue.send(Message(id=f"job-{number}"))
        while len(found) < len(jobs) or desk.count_workers().busy:
            sim.run(until=sim.now + 60.0)
        return percentile(sorted(found), 95) / 60, desk.worker_seconds() / 3600
