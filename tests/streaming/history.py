"""Random histories of producers, groups, deaths and retention; and what must be true of every one
of them.

In the spirit of Maelstrom's Kafka workload: the checks read only what producers were told, what
handlers saw and what the trace recorded, never the stream's own structures.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from mqlearn import Simulation, Trace, WorkerCrash
from mqlearn.runtime.trace import Record
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.group import ConsumerGroup
from mqlearn.streaming.processor import EventStreamProcessor
from mqlearn.streaming.stream import EventStream
from tests.streaming.mischief import Troublemaker

UNTIL = 220.0  # seconds, by which everybody has had the time to catch up
Place = tuple[int, int]  # partition and offset


@dataclass
class History:
    """What was seen from outside."""

    commits: dict[str, str] = field(default_factory=dict)  # per group: after or before
    on_failure: dict[str, str] = field(default_factory=dict)  # per group: skip or retry
    # what each append was told, in order
    told: list[tuple[str, Place]] = field(default_factory=list)
    handled: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    # what handlers saw where
    ids: dict[str, dict[Place, str]] = field(default_factory=lambda: defaultdict(dict))
    records: list[Record] = field(default_factory=list)
    deaths: int = 0
    lag: dict[str, int] = field(default_factory=dict)
    deleted: dict[int, int] = field(default_factory=dict)  # where each log starts at the end
    # failures of handed-in code that must surface from `run()`, and whether one did
    reports: int = 0
    surfaced: bool = False
    mischief: Counter[str] = field(default_factory=Counter)  # calls of code that may misbehave


def play(
    seed: int,
    kind: type[ConsumerGroup] = ConsumerGroup,
    stream_kind: type[EventStream] = EventStream,
) -> History:
    """One history: two groups, up to five workers each, some dying, stalling, slow, stopped and
    started again.
    """
    dice = random.Random(seed)
    with Simulation(seed) as sim:
        trace = Trace()
        keeps = dice.choice([None, None, 12.0])
        stream = stream_kind(
            "log", dice.randint(1, 5), retention_seconds=keeps, runtime=sim, trace=trace
        )
        history, trouble = History(), Troublemaker(sim, dice)
        stream.listen(trouble.listener)
        for name in ("a", "b"):
            stream.groups[name] = kind(
                stream,
                name,
                assignment=trouble.assignor(name, dice.choice(["range", "sticky"])),
                session_timeout=6.0,
                poll_interval=dice.choice([5.0, 20.0]),
                heartbeat_interval=1.0,
            )
            crew(sim, dice, stream, name, history, trouble)
        producers(sim, dice, stream, history)
        try:
            sim.run(until=UNTIL)
        except BaseException:
            # what was reported is raised at the end; anything earlier has ended the run
            if sim.now < UNTIL or not trouble.reports:
                raise
            history.surfaced = True
        history.reports, history.mischief = trouble.reports, trouble.calls
        history.records = list(trace.records)
        history.lag = {
            name: sum(
                stream.end(p) - max(group.committed.get(p, 0), stream.log_start(p))
                for p in range(stream.partition_count)
            )
            for name, group in stream.groups.items()
        }
        history.deleted = {p: stream.log_start(p) for p in range(stream.partition_count)}
    return history


def producers(sim: Simulation, dice: random.Random, stream: EventStream, history: History) -> None:
    """Two of them, each with its keys, at random times in the first 40 s; each may send an id
    again.
    """

    def produce(which: int, times: list[float]) -> None:
        for number, wait in enumerate(times):
            sim.sleep(wait)
            event = StreamEvent(
                "log", event_id=f"p{which}-{number}", partition_key=f"k{(number * 7 + which) % 9}"
            )
            stream.append(event)
            history.told.append((event.event_id, (event.partition, event.sequence_number)))

    for which in range(2):
        count = dice.randint(10, 40)
        sim.spawn(
            produce,
            which,
            [dice.expovariate(1) * 40 / count for _ in range(count)],
            name=f"producer-{which}",
        )


def crew(
    sim: Simulation,
    dice: random.Random,
    stream: EventStream,
    group: str,
    history: History,
    trouble: Troublemaker,
) -> None:
    """A processor whose handlers are slow, stall, fail and crash; perhaps a second one that joins
    and leaves, and a consumer of its own.
    """
    commit = history.commits[group] = dice.choice(["after", "before"])
    on_failure = history.on_failure[group] = dice.choice(["skip", "retry"])
    death, stall, slow = (
        dice.choice([0.0, 0.05, 0.15]),
        dice.choice([0.0, 0.05]),
        dice.choice([0.0, 0.05]),
    )
    teams: list[EventStreamProcessor] = []

    def handle(event: StreamEvent) -> object:
        place = (event.partition, event.sequence_number)
        times = sum(seen == place for seen in history.handled[group])
        luck = sim.draw("fate", group, *place, times)
        task = sim.current_task()
        sim.sleep(0.2)
        if luck < death and sim.now < 100:
            history.deaths += 1
            if luck > death / 2:
                seen_by(event)
            raise WorkerCrash
        if luck > 1 - slow and sim.now < 100:
            sim.sleep(25)
        if death < luck < death + stall and task is not None and sim.now < 100:
            team = next(team for team in teams if task in team.workers)
            team.consumers[task.name].stall(12)
        trouble.release(group)
        seen_by(event)
        if 0.5 < luck < 0.55 and times == 0:
            raise ValueError("bad luck")
        return trouble.spoil(event, group)

    def seen_by(event: StreamEvent) -> None:
        history.handled[group].append((event.partition, event.sequence_number))
        history.ids[group][event.partition, event.sequence_number] = event.event_id

    def comes_and_goes(team: EventStreamProcessor, times: list[float]) -> None:
        for until in times:
            team.start(dice.randint(1, 3))
            sim.sleep(until)
            team.stop()
            sim.sleep(until)

    for _ in range(2):
        team = EventStreamProcessor(
            stream,
            group,
            commit=commit,
            batch=dice.choice([1, 3, 10]),
            on_failure=on_failure,
            retry=trouble.policy(),
        )
        team.add_processor(handle)
        teams.append(team)
    teams[0].start(dice.randint(1, 5))
    if dice.random() < 0.6:
        sim.spawn(
            comes_and_goes, teams[1], [dice.uniform(1, 12) for _ in range(2)], name=f"{group}-shift"
        )
    if dice.random() < 0.5:
        sim.spawn(trouble.visit, stream, group, commit, seen_by, name=f"{group}-visitor")


def faults(history: History) -> list[str]:
    """Everything that is wrong with a history; none if it is as it must be."""
    return [
        f"{check.__name__[4:].replace('_', ' ')}: {what}"
        for check in CHECKS
        for what in check(history)
    ]


def not_offsets_without_gap_or_repetition(history: History) -> list[str]:
    """In each partition appends were told 0, 1, 2, … in their order."""
    given: Counter[int] = Counter()
    wrong = []
    for event, (partition, offset) in history.told:
        if offset != given[partition]:
            wrong.append(f"{event} got {offset} in partition {partition}, not {given[partition]}")
        given[partition] += 1
    return wrong


def not_what_was_written_there(history: History) -> list[str]:
    """Who is handed an offset sees what the append that was told this offset had written."""
    written = {place: event for event, place in history.told}
    return [
        f"group {group} saw {event} at {place}, written was {written.get(place)}"
        for group, ids in history.ids.items()
        for place, event in ids.items()
        if written.get(place) != event
    ]


def not_monotonic_reads(history: History) -> list[str]:
    """A member reads a partition upwards between two assignments, and skips nothing but what
    retention took.

    Going back on purpose, to what failed, is a seek and has its own record.
    """
    at: dict[tuple[str, str, int], int] = {}
    start: dict[int, int] = defaultdict(int)
    committed: dict[tuple[str, int], int] = defaultdict(int)
    wrong = []
    for time, event, source, entry, _, _, _, worker, _, detail in history.records:
        if event == "assigned":
            for partition in detail:
                at[source, worker, partition] = committed[source, partition]
        elif event == "deleted":
            start[detail] = entry
        elif event == "committed":
            committed[source, detail] = entry
        elif event == "sought":
            at[source, worker, detail] = entry
        elif event == "read":
            place = (source, worker, detail)
            wanted = max(at.get(place, -1), start[detail])
            if place not in at or entry != wanted:
                wrong.append(
                    f"{worker} of {source} read {entry} in partition {detail} at "
                    f"{time:g}, not {wanted}"
                )
            at[place] = entry + 1
    return wrong


def not_one_owner(history: History) -> list[str]:
    """Nobody gets a partition that another still has; in one generation each has exactly one
    owner.
    """
    owner: dict[tuple[str, int], str] = {}
    dealt: dict[tuple[str, int], list[int]] = defaultdict(list)
    wrong = []
    for time, event, source, entry, member, *_, detail in history.records:
        if event == "assigned":
            dealt[source, entry] += detail
            for partition in detail:
                if (source, partition) in owner:
                    wrong.append(
                        f"{member} got partition {partition} of "
                        f"{owner[source, partition]} at {time:g}"
                    )
                owner[source, partition] = member
        elif event == "revoked":
            for partition in detail:
                owner.pop((source, partition), None)
    partitions = sorted({p for each in dealt.values() for p in each})
    return wrong + [
        f"generation {key} dealt {sorted(got)}"
        for key, got in dealt.items()
        if sorted(got) != partitions
    ]


def not_committed_by_its_owner(history: History) -> list[str]:
    """A commit that was accepted came from whoever owned the partition at that moment."""
    owner: dict[tuple[str, int], str] = {}
    wrong = []
    for time, event, source, entry, member, *_, detail in history.records:
        if event == "assigned":
            owner |= {(source, partition): member for partition in detail}
        elif event == "revoked":
            owner |= dict.fromkeys(((source, partition) for partition in detail), "nobody")
        elif event == "committed" and owner.get((source, detail)) != member:
            owned = owner.get((source, detail))
            wrong.append(f"{member} committed {entry} in {owned}'s partition {detail}, {time:g} s")
    return wrong


def not_lost(history: History) -> list[str]:
    """Where commits follow the work, every event that retention left is done; and everybody catches
    up.
    """
    wrong = [
        f"group {group} is {lag} behind at the end" for group, lag in history.lag.items() if lag
    ]
    taken = sum(history.deleted.values()) > 0
    for group, commit in history.commits.items():
        if commit == "after" and not taken:
            done = set(history.handled[group])
            wrong += [
                f"group {group} never did {event}"
                for event, place in history.told
                if place not in done
            ]
    return wrong


def not_twice(history: History) -> list[str]:
    """Where commits come first, no event is begun twice, unless the group tries again what
    failed.
    """
    return [
        f"group {group} did {place} {times} times"
        for group, commit in history.commits.items()
        if commit == "before" and history.on_failure[group] == "skip"
        for place, times in Counter(history.handled[group]).items()
        if times > 1
    ]


def not_seen(history: History) -> list[str]:
    """A failure of code that was handed in surfaces from `run()` if it can be charged to no event,
    and only then.
    """
    if history.surfaced == (history.reports > 0):
        return []
    return [f"{history.reports} failures were to be reported, surfaced: {history.surfaced}"]


CHECKS: list[Callable[[History], list[str]]] = [
    not_offsets_without_gap_or_repetition,
    not_what_was_written_there,
    not_monotonic_reads,
    not_one_owner,
    not_committed_by_its_owner,
    not_lost,
    not_twice,
    not_seen,
]
