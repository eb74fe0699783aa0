"""SimPy as the oracle for `Simulation`: the same random program, the same events in the same order.

A program is a list of steps. On the simulation each task is ordinary blocking code; on SimPy it is
a generator, and conditions, locks and timers are spelled out with SimPy's own events. Durations
come from a few values as often as from a continuum, so that many things are due at one instant, and
their order counts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from mqlearn.runtime.simulation import Simulation

Step = tuple[Any, ...]
Log = list[tuple[float, str, int, object]]
Flow = Generator[simpy.Event, Any, Any]

CONDITIONS = 2
HORIZON = 1000.0  # s: far beyond the end of every program

seconds = st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0]) | st.floats(0.0, 2.0)
which = st.integers(0, CONDITIONS - 1)
leaf_steps = st.one_of(
    st.tuples(st.just("sleep"), seconds),
    st.tuples(st.just("wait"), which, st.none() | seconds),
    st.tuples(st.just("notify"), which, st.integers(1, 3)),
    st.tuples(st.just("hold"), seconds),
    st.tuples(st.just("timer"), seconds),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("join")),
)
programs = st.recursive(
    st.lists(leaf_steps, min_size=1, max_size=6),
    lambda inner: st.lists(leaf_steps | st.tuples(st.just("spawn"), inner), min_size=1, max_size=8),
    max_leaves=10,
)


class OnSimulation:
    """Runs a program in `Simulation`, as a reader of the course would write it."""

    def __init__(self) -> None:
        self.log: Log = []
        self.sim = Simulation()
        self.conditions = [self.sim.condition() for _ in range(CONDITIONS)]
        self.lock = self.sim.lock()

    def run(self, programs: list[list[Step]]) -> Log:
        with self.sim:
            for i, program in enumerate(programs):
                self.sim.spawn(self.task, f"{i}", program, name=f"{i}")
            self.sim.run(until=HORIZON)
            return list(self.log)

    def note(self, name: str, step: int, what: object) -> None:
        self.log.append((self.sim.now, name, step, what))

    def task(self, name: str, program: list[Step]) -> None:
        timers: list[Any] = []
        children: list[Any] = []
        for i, (verb, *args) in enumerate(program):
            self.note(name, i, verb)
            if verb == "sleep":
                self.sim.sleep(args[0])
            elif verb == "wait":
                condition = self.conditions[args[0]]
                with condition:
                    self.note(name, i, condition.wait(args[1]))
            elif verb == "notify":
                with self.conditions[args[0]]:
                    self.conditions[args[0]].notify(args[1])
            elif verb == "hold":
                with self.lock:
                    self.note(name, i, "held")
                    self.sim.sleep(args[0])
            elif verb == "timer":
                timers.append(self.sim.call_at(self.sim.now + args[0], self.rings(name, i)))
            elif verb == "cancel" and timers:
                timers.pop().cancel()
            elif verb == "spawn":
                child = f"{name}.{i}"
                children.append(self.sim.spawn(self.task, child, args[0], name=child))
            elif verb == "join" and children:
                children.pop().join()
        self.note(name, len(program), "end")

    def rings(self, name: str, step: int) -> Callable[[], None]:
        return lambda: self.note(name, step, "rings")


class OnSimPy:
    """Runs the same program on bare SimPy."""

    def __init__(self) -> None:
        self.log: Log = []
        self.env = simpy.Environment()
        self.lines: list[list[simpy.Event]] = [[] for _ in range(CONDITIONS)]
        self.holder = False
        self.lock_line: list[simpy.Event] = []

    def run(self, programs: list[list[Step]]) -> Log:
        for i, program in enumerate(programs):
            self.env.process(self.task(f"{i}", program, self.env.timeout(0)))
        self.env.run()
        return self.log

    def note(self, name: str, step: int, what: object) -> None:
        self.log.append((self.env.now, name, step, what))

    def task(self, name: str, program: list[Step], start: simpy.Event) -> Flow:
        yield start  # SimPy starts a process before all else that is due; here it takes its turn
        timers: list[simpy.Event] = []
        children: list[simpy.Process] = []
        for i, (verb, *args) in enumerate(program):
            self.note(name, i, verb)
            if verb == "sleep":
                yield self.env.timeout(args[0])
            elif verb == "wait":
                woken = yield from self.wait(self.lines[args[0]], args[1])
                self.note(name, i, woken)
            elif verb == "notify":
                for _ in range(min(args[1], len(self.lines[args[0]]))):
                    self.wake(self.lines[args[0]].pop(0))
            elif verb == "hold":
                yield from self.hold(args[0], lambda i=i: self.note(name, i, "held"))
            elif verb == "timer":
                timers.append(self.env.timeout(args[0]))
                timers[-1].callbacks.append(lambda _, i=i: self.note(name, i, "rings"))
            elif verb == "cancel" and timers:
                if (callbacks := timers.pop().callbacks) is not None:
                    callbacks.clear()
            elif verb == "spawn":
                go = self.env.timeout(0)
                children.append(self.env.process(self.task(f"{name}.{i}", args[0], go)))
            elif verb == "join" and children and (child := children.pop()).is_alive:
                yield child
        self.note(name, len(program), "end")

    def wait(self, line: list[simpy.Event], timeout: float | None) -> Flow:
        turn = self.env.event() if timeout is None else self.env.timeout(timeout, value=False)
        line.append(turn)
        woken = yield turn
        if not woken:
            line.remove(turn)
        return woken

    def wake(self, turn: simpy.Event) -> None:
        """Move whoever waits for `turn` to an event that is due now; a timeout is left to pass
        unheard.
        """
        now = self.env.event()
        now.callbacks.extend(turn.callbacks)
        turn.callbacks.clear()
        now.succeed(True)

    def hold(self, seconds: float, then: Callable[[], None]) -> Flow:
        if self.holder:
            turn = self.env.event()
            self.lock_line.append(turn)
            yield turn
        self.holder = True
        then()
        yield self.env.timeout(seconds)
        if self.lock_line:
            self.lock_line.pop(0).succeed()
        else:
            self.holder = False


@settings(max_examples=300, deadline=None)
@given(st.lists(programs, min_size=2, max_size=6))
def test_random_programs_run_as_on_simpy(several: list[list[Step]]) -> None:
    """Every step of every task happens at SimPy's time, to the last bit, and in SimPy's order."""
    assert OnSimulation().run(several) == OnSimPy().run(several)


def test_a_program_with_everything_due_at_once() -> None:
    """A fixed program in which wakes, timers, locks and starts fall on the same instants, as on
    SimPy.
    """
    worker = [
        ("wait", 0, 1.0),
        ("hold", 0.5),
        ("timer", 0.5),
        ("sleep", 0.5),
        ("notify", 0, 1),
        ("cancel",),
    ]
    program = [
        ("spawn", worker),
        ("spawn", worker),
        ("spawn", worker),
        ("sleep", 1.0),
        ("notify", 0, 2),
        ("hold", 0.0),
        ("timer", 0.5),
        ("join",),
        ("join",),
        ("notify", 0, 3),
        ("join",),
    ]
    log = OnSimPy().run([program])
    assert OnSimulation().run([program]) == log
    assert log[-1] == (3.0, "0", 11, "end")  # three holds of 0.5 s from 1.0 s on, and a sleep
    assert len(log) == 44
