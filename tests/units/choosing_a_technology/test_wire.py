"""The wire client of exercise 14.2 keeps the rules that its docstrings promise."""

import pytest

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.simulation import Simulation
from mqlearn.units.choosing_a_technology.wire import ConnectionLost, Engine, StaleHandle


def test_the_wire_keeps_its_rules():
    """A stale handle is refused, ending twice is no error, and an unknown handle is named."""
    with Simulation(0) as sim:
        queue = InMemoryMessageQueue(visibility_timeout=10.0, runtime=sim)
        engine, seen = Engine(sim, queue, calm=True), []
        queue.send(Message(id="order-1"))

        def use():
            wire = engine.connect()
            first = wire.fetch()
            sim.sleep(10.0)
            with pytest.raises(StaleHandle, match="h-1 is stale"):
                wire.delete(first.handle)
            second = wire.fetch()
            wire.release(second.handle)
            wire.release(second.handle)
            third = wire.fetch()
            wire.delete(third.handle)
            wire.delete(third.handle)
            with pytest.raises(StaleHandle):
                wire.release(third.handle)
            with pytest.raises(ValueError, match="handle must be one of a packet, got 'order-1'"):
                wire.delete("order-1")
            seen.extend((first, second, third, wire.fetch()))

        sim.spawn(use)
        sim.run()
    assert [each and each.attempt for each in seen] == [1, 2, 3, None]
    assert engine.lost == 0


def test_a_lost_connection_stays_lost():
    """Before the request or before the reply; a new one works."""
    with Simulation(0) as sim:
        queue = InMemoryMessageQueue(visibility_timeout=10.0, runtime=sim)
        engine, wires = Engine(sim, queue, calm=False), []

        def use():
            while sim.now < 60.0:
                wires.append(wire := engine.connect())
                try:
                    while True:
                        wire.fetch()
                except ConnectionLost:
                    before = engine.lost
                    with pytest.raises(ConnectionLost):
                        wire.fetch()
                    assert engine.lost == before + 1

        sim.spawn(use)
        sim.run(until=60.0)
    assert len(wires) > 3 and all(0 < end - start < 5 for start, end in engine.outages)
