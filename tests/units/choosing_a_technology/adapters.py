"""Adapters for exercise 14.2: some keep the contract, and each of the others breaks one rule."""

from mqlearn.messaging.message import Message
from mqlearn.units.choosing_a_technology.wire import ConnectionLost, StaleHandle


class Adapter:
    """The worked solution: the handle belongs to the delivery, and every call is tried until a
    connection lasts as long as it.
    """

    def __init__(self, connect):
        self.connect = connect
        self.wire = connect()
        self.handles = {}

    def call(self, name, *args):
        while True:
            wire = self.wire
            try:
                return getattr(wire, name)(*args)
            except ConnectionLost:
                if self.wire is wire:
                    self.wire = self.connect()

    def receive(self):
        packet = self.call("fetch")
        if packet is None:
            return None
        self.handles[packet.id, packet.attempt] = packet.handle
        return Message(id=packet.id, body=packet.body, attempt=packet.attempt)

    def settle(self, delivery, done):
        handle = self.handles[delivery.id, delivery.attempt]
        try:
            self.call("delete" if done else "release", handle)
        except StaleHandle:
            return False
        return True


class InHeaders(Adapter):
    """Also right: the handle travels in the message itself."""

    def receive(self):
        packet = self.call("fetch")
        return packet and Message(
            id=packet.id,
            body=packet.body,
            attempt=packet.attempt,
            headers={"handle": packet.handle},
        )

    def settle(self, delivery, done):
        try:
            self.call("delete" if done else "release", delivery.headers["handle"])
        except StaleHandle:
            return False
        return True


class OneWireEach(InHeaders):
    """Also right: a new connection for every call."""

    def call(self, name, *args):
        while True:
            try:
                return getattr(self.connect(), name)(*args)
            except ConnectionLost:
                pass


class ById(Adapter):
    """One handle for each message: the latest."""

    def receive(self):
        packet = self.call("fetch")
        if packet is None:
            return None
        self.handles[packet.id] = packet.handle
        return Message(id=packet.id, body=packet.body, attempt=packet.attempt)

    def settle(self, delivery, done):
        self.handles[delivery.id, delivery.attempt] = self.handles[delivery.id]
        return super().settle(delivery, done)


class Hopes(InHeaders):
    """What was sent has arrived."""

    def settle(self, delivery, done):
        try:
            (self.wire.delete if done else self.wire.release)(delivery.headers["handle"])
        except StaleHandle:
            return False
        except ConnectionLost:
            self.wire = self.connect()
        return True


class GivesUp(InHeaders):
    """What was not confirmed has failed."""

    def settle(self, delivery, done):
        try:
            (self.wire.delete if done else self.wire.release)(delivery.headers["handle"])
        except StaleHandle:
            return False
        except ConnectionLost:
            self.wire = self.connect()
            return False
        return True


class OneWire(InHeaders):
    """One connection for a whole life."""

    def call(self, name, *args):
        return getattr(self.wire, name)(*args)


class StaleIsDone(InHeaders):
    """Another worker has it now, so all is well."""

    def settle(self, delivery, done):
        super().settle(delivery, done)
        return True


class StaleRaises(InHeaders):
    """Let the worker see the error."""

    def settle(self, delivery, done):
        self.call("delete" if done else "release", delivery.headers["handle"])
        return True


class Ahead(InHeaders):
    """Fetches five at a time, since a call is slow."""

    def __init__(self, connect):
        super().__init__(connect)
        self.ready = []

    def receive(self):
        if not self.ready:
            fetched = [super(Ahead, self).receive() for _ in range(5)]
            self.ready.extend(message for message in fetched if message)
        return self.ready.pop(0) if self.ready else None


class Deletes(InHeaders):
    """Deletes what failed, too."""

    def settle(self, delivery, done):
        return super().settle(delivery, True)


class DeletesFirst(InHeaders):
    """At most once."""

    def receive(self):
        message = super().receive()
        if message is not None:
            super().settle(message, True)
        return message

    def settle(self, delivery, done):
        return True


class Waits(InHeaders):
    """What failed comes back by itself, after its visibility time."""

    def settle(self, delivery, done):
        return super().settle(delivery, True) if done else True


class TwoTries(InHeaders):
    """A lost connection is tried again, once."""

    def call(self, name, *args):
        for _ in range(2):
            try:
                return getattr(self.wire, name)(*args)
            except ConnectionLost:
                self.wire = self.connect()
        return None


WRONG = {
    ById: 95,
    Hopes: 100,
    GivesUp: 100,
    OneWire: 100,
    StaleIsDone: 99,
    StaleRaises: 99,
    Ahead: 100,
    Deletes: 95,
    DeletesFirst: 100,
    Waits: 97,
    TwoTries: 21,
}
"""In how many of the hundred seeds each is caught; the solutions quote them."""
