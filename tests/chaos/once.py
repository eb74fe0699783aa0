"""An order is worked on once, as far as an idempotent handler can promise it."""

from __future__ import annotations

from mqlearn import Message
from tests.chaos.shop import Shop, order_of


class Once:
    """Asked before each call of what is behind an `IdempotentHandler`, and told what came of it.

    It promises nothing where a worker dies between the effect and its result, or works on after its
    lease; so a second try is wrong only while the first is somebody's, or once its result is kept.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.claims: dict[str, Message] = {}  # order: the delivery whose try has no result yet
        self.kept: dict[str, float] = {}  # order: until when its result is remembered (s)

    def began(self, message: Message) -> str:
        """The rule that a try of this message breaks, or ""."""
        key, shop = order_of(message), self.shop
        claim = self.claims.get(key)
        if shop.sim.now <= self.kept.get(key, -1.0):
            return f"{key} was done before"
        if claim is not None and shop.queue.is_current(claim):
            return f"{key} is at work under receipt {claim.receipt}"
        self.claims[key] = message.copy()
        return ""

    def ended(self, message: Message, done: bool, crashed: bool) -> None:
        """A try ended: with a result, with none, or with its worker, whose claim ends with its
        lease.
        """
        key = order_of(message)
        if done and not crashed:
            self.claims.pop(key, None)
            lease = self.shop.day.queue["visibility_timeout"] or 0.0
            until = (message.timestamp or 0.0) + message.ttl + lease
            self.kept[key] = max(until, self.kept.get(key, 0.0))
        elif not crashed and key in self.claims and self.claims[key].receipt == message.receipt:
            del self.claims[key]
