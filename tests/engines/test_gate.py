"""The gate between many and one: nobody is inside beside the one, and nobody waits forever."""

from __future__ import annotations

import pytest

from mqlearn import Simulation
from mqlearn.engines.gate import Gate


def test_one_waits_for_all_and_keeps_new_ones_out() -> None:
    """The one comes in when the last has left; who came meanwhile comes in after it."""
    log: list[tuple[float, str]] = []
    with Simulation() as clock:
        gate = Gate(clock)

        def pass_shared(name: str, at: float, stay: float) -> None:
            clock.sleep(at)
            with gate.shared():
                log.append((clock.now, f"{name} in"))
                clock.sleep(stay)
                log.append((clock.now, f"{name} out"))

        def pass_alone(at: float, stay: float) -> None:
            clock.sleep(at)
            with gate.alone():
                log.append((clock.now, "one in"))
                clock.sleep(stay)
                log.append((clock.now, "one out"))

        clock.spawn(pass_shared, "a", 0.0, 3.0)
        clock.spawn(pass_shared, "b", 1.0, 1.0)
        clock.spawn(pass_alone, 1.5, 2.0)
        clock.spawn(pass_shared, "c", 2.0, 1.0)
        clock.run()
    assert log == [
        (0.0, "a in"),
        (1.0, "b in"),
        (2.0, "b out"),
        (3.0, "a out"),
        (3.0, "one in"),
        (5.0, "one out"),
        (5.0, "c in"),
        (6.0, "c out"),
    ]


def test_a_loop_of_ones_lets_the_many_in() -> None:
    """One that comes again and again does not keep the others out forever."""
    with Simulation() as clock:
        gate, done = Gate(clock), list[float]()

        def always_alone() -> None:
            while not done:
                with gate.alone():
                    clock.sleep(1.0)

        def pass_shared() -> None:
            clock.sleep(0.5)
            with gate.shared():
                done.append(clock.now)

        clock.spawn(always_alone)
        clock.spawn(pass_shared)
        clock.run(until=100)
    assert done == [1.0]


def test_an_error_inside_opens_the_gate_again() -> None:
    """What is raised inside leaves nothing closed."""
    with Simulation() as clock:
        gate = Gate(clock)
        with pytest.raises(OSError, match="gone"), gate.alone():
            raise OSError("gone")
        with pytest.raises(OSError, match="gone"), gate.shared():
            raise OSError("gone")
        with gate.alone():
            pass
        with gate.shared(), gate.shared():
            pass
