"""What this process notes of an engine's messages when the engine does what was not expected."""

from mqlearn import Message, Simulation
from mqlearn.engines.entries import EngineEntries


def test_a_message_that_a_purge_has_missed_is_waiting_again() -> None:
    """An engine that cannot be asked what waits may deliver it afterwards: the books follow."""
    with Simulation() as sim:
        entries, events = EngineEntries("orders", sim), list[str]()
        entries.listen(lambda record: events.append(record.event), {})
        message = Message(id="order-1")
        entries.sent(entries.begin("token", message), "key", 0.0)
        entries.purged()
        entry = entries.delivered("token", "key", message, 1, 1)
        assert entries.places() == {"waiting": 0, "delayed": 0, "in flight": 1, "dead": 0}
        entries.move(entry, "acked", receipt=1)
        assert events == ["sent", "purged", "reappeared", "received", "acked"]
        assert not any(entries.places().values())
