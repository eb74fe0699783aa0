"""Who listens to a broker in its tests."""

from __future__ import annotations

from mqlearn import Message, Simulation, TopicBasedMessageBroker


class Ear:
    """A subscriber that remembers what it heard and when; it takes `seconds` a message, and `fails`
    at some ids.
    """

    def __init__(self, sim: Simulation, seconds: float = 0.0, fails: str = "") -> None:
        self.sim, self.seconds, self.fails = sim, seconds, fails
        self.heard: list[tuple[float, str]] = []
        self.tried: list[str] = []

    def __call__(self, message: Message) -> None:
        self.tried.append(message.id)
        if self.seconds:
            self.sim.sleep(self.seconds)
        if message.id in self.fails.split():
            raise OSError("webhook answers 500")
        self.heard.append((self.sim.now, message.id))

    @property
    def ids(self) -> list[str]:
        return [message_id for _, message_id in self.heard]


def publish(broker: TopicBasedMessageBroker, topic: str, *ids: str) -> list[bool]:
    """One message for each id; what publish answered."""
    return [broker.publish(topic, Message(id=each)) for each in ids]
