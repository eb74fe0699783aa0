"""The card service and the store that a handler calls; its worker may die at each call.

    card = CardService(EffectLedger(sim), keyed=True)
    calls = Calls(sim, message, card, stored={}, calm=False, lease=10.0)
    calls.charge("order-1", 6.0)       # "receipt-1", or WorkerCrash before or after the charge
    calls.get("order-1")               # None: nothing was put under this key

For exercise 03.3.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from mqlearn.messaging.message import Message
from mqlearn.runtime.base import Runtime, WorkerCrash
from mqlearn.study.card import EffectLedger
from mqlearn.study.exercise import short_repr
from mqlearn.study.faults import happens, one_try

# The probabilities of a crash at each point of a call, and of a slow card in each try.
CRASHES, SLOW = 0.03, 0.1
# Times as shares of the lease: a charge, and how much longer at most; a slow one; the store.
FAST, LONGER, SLOWEST, STORE = 0.1, 0.2, 1.2, 0.01


class CardService:
    """A card service that returns the old receipt, without a charge, for a key that it knows.

    Without `keyed` it ignores keys: each call is a charge.
    """

    def __init__(self, ledger: EffectLedger, keyed: bool) -> None:
        self.ledger, self.keyed = ledger, keyed
        self.receipts: dict[str, str] = {}

    def charge(self, key: str, amount: float, order: str) -> str:
        """Charge for this order if the key is new, and return the number of the receipt.

        The ledger records the order, not the key, so that two keys for one order show as two
        charges.
        """
        if not self.keyed or key not in self.receipts:
            self.ledger.record(order, amount)
            self.receipts[key] = f"receipt-{len(self.ledger.effects)}"
        return self.receipts[key]


class Calls:
    """The calls of card and store that one try of a message can make. The worker may die before and
    after each call.

    `stored` is shared by all tries of all workers. In a `calm` try the worker never dies and the
    card is never slow. With a `lease` of 10 s a charge takes 1 to 3 s, a slow one 12 s, and a call
    of the store 0.1 s; with another lease all of this is in proportion to it.
    """

    def __init__(
        self,
        runtime: Runtime,
        message: Message,
        card: CardService,
        stored: dict[str, Any],
        *,
        calm: bool,
        lease: float,
    ) -> None:
        self._runtime, self._message, self._card, self._stored = runtime, message, card, stored
        self._calm, self._lease = calm, lease
        self._calls: Counter[str] = Counter()

    def charge(self, key: str, amount: float) -> str:
        """Charge the card; return the number of the receipt."""
        if not isinstance(key, str):
            raise TypeError(f"the key of a charge must be a str, got {short_repr(key)}")
        asked = self._message.body
        if amount != asked["amount"]:
            raise ValueError(
                f"{asked['order']} costs {asked['amount']:g}, got {short_repr(amount)}"
            )
        self._maybe_crash("before charge")
        slow = not self._calm and happens(self._runtime, SLOW, "slow", *one_try(self._message))
        # a slow card answers after the lease has ended: by then the message is with another worker
        self._runtime.sleep(
            self._lease * SLOWEST
            if slow
            else self._lease * (FAST + LONGER * self._runtime.draw("work", *one_try(self._message)))
        )
        receipt = self._card.charge(key, amount, asked["order"])
        self._maybe_crash("after charge")
        return receipt

    def get(self, key: str) -> Any:
        """Return what was put under this key, or None."""
        self._maybe_crash("before get")
        self._runtime.sleep(STORE * self._lease)
        value = self._stored.get(key)
        self._maybe_crash("after get")
        return value

    def put(self, key: str, value: Any) -> None:
        """Store the value under this key, for all workers."""
        self._maybe_crash("before put")
        self._runtime.sleep(STORE * self._lease)
        self._stored[key] = value
        self._maybe_crash("after put")

    def _maybe_crash(self, point: str) -> None:
        task = self._runtime.current_task()
        # Numbered, since each call of a try has a draw of its own.
        self._calls[point] += 1
        # A handler may catch the crash and go on, but a dead worker can do nothing: each further
        # call raises again.
        if task is not None and task.crashed:
            raise WorkerCrash(point)
        if self._calm:
            return
        if self._runtime.draw(point, self._calls[point], *one_try(self._message)) < CRASHES:
            raise WorkerCrash(point)
