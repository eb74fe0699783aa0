"""Card services, whose effect cannot be undone: `KeyedCard` takes an idempotency key, `PlainCard`
takes none.

The `EffectLedger` behind a card service records each charge that was really made:
`ledger.twice()` are the orders that were charged more than once, even if queue and workers have no
record of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace


@dataclass(frozen=True)
class Effect:
    """One effect outside the system, such as a charge, at `time` (s): its business key, its worker
    and its amount.
    """

    time: float
    key: str
    worker: str
    amount: float


class EffectLedger:
    """A list of all effects that were really made, in order of time, also of those that neither
    queue nor workers know of.

    With a `trace`, each effect is also recorded there, beside the records of the queue, so that
    charts can show both.
    """

    def __init__(self, runtime: Runtime, *, trace: Trace | None = None) -> None:
        check.instance("runtime", runtime, Runtime)
        check.instance("trace", trace, Trace, optional=True)
        self.runtime, self.trace = runtime, trace
        self.effects: list[Effect] = []
        self._lock = runtime.lock()

    def record(self, key: str, amount: float = 0.0) -> Effect:
        """Record an effect of the task that runs, at this moment, and return it."""
        check.instance("key", key, str)
        amount = check.number("amount", amount)
        time, worker = self.runtime.stamp()
        effect = Effect(time, key, worker, amount)
        # List and trace must have the effects in the same order, also on real threads.
        with self._lock:
            self.effects.append(effect)
            if self.trace is not None:
                self.trace.note(time, "effect", worker=worker, detail=key)
        return effect

    def counts(self) -> dict[str, int]:
        """Return the number of effects of each business key, in the order of the first effects."""
        return dict(Counter(effect.key for effect in self.effects))

    def twice(self) -> list[str]:
        """Return the keys with more than one effect, in the order of the first effects."""
        return [key for key, count in self.counts().items() if count > 1]

    def tally(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the number of these keys that had no effect, one effect, and two or more, under
        "0", "1" and "2+".
        """
        counts = self.counts()
        shares = {"0": 0, "1": 0, "2+": 0}
        for key in keys:
            count = counts.get(key, 0)
            shares["2+" if count > 1 else str(count)] += 1
        return shares


class PlainCard:
    """A card service without keys: each call is a charge. (An e-mail service is like this: each
    call sends one more e-mail.)

    A call takes `seconds`, and the charge is made at its end. The service notes the `order` as the
    reference of the charge, but it never checks whether it has charged that order before.
    """

    def __init__(self, ledger: EffectLedger, *, seconds: float = 0.0) -> None:
        check.instance("ledger", ledger, EffectLedger)
        seconds = check.number("seconds", seconds, low=0)
        self.ledger, self.seconds = ledger, seconds

    def charge(self, order: str, amount: float) -> str:
        """Charge the card, and return the number of the receipt."""
        check.instance("order", order, str)
        amount = check.number("amount", amount, low=0)
        self._work()
        return self._book(order, amount)

    def _work(self) -> None:
        if self.seconds:
            self.ledger.runtime.sleep(self.seconds)

    def _book(self, key: str, amount: float) -> str:
        self.ledger.record(key, amount)
        return f"receipt-{len(self.ledger.effects)}"


class KeyedCard(PlainCard):
    """A card service that remembers the key of each charge, for `remember` seconds (None: forever).

    A call with a key that it knows returns the receipt of the first charge, and charges nothing.
    The same key with another amount is a mistake of the caller and raises ValueError, as Stripe
    answers it (docs.stripe.com/idempotency).
    """

    def __init__(
        self, ledger: EffectLedger, *, seconds: float = 0.0, remember: float | None = None
    ) -> None:
        super().__init__(ledger, seconds=seconds)
        remember = check.number("remember", remember, above=0, optional=True)
        self.remember = remember
        # by key: time (s), amount, receipt; the oldest first, so that forgetting stops early
        self._known: dict[str, tuple[float, float, str]] = {}
        self._lock = ledger.runtime.lock()

    def charge(self, key: str, amount: float) -> str:
        """Charge the card once for this key, and return the number of the receipt."""
        check.instance("key", key, str)
        amount = check.number("amount", amount, low=0)
        self._work()
        # Looking up, charging and remembering are one step: otherwise two calls with one key could
        # both find it unknown. The work before is outside the lock, so that calls can overlap.
        with self._lock:
            self._forget()
            if key not in self._known:
                self._known[key] = (self.ledger.runtime.now, amount, self._book(key, amount))
            _, charged, receipt = self._known[key]
            if charged != amount:
                raise ValueError(
                    f"amount must be {charged:g} as before for the key {check.short_repr(key)}, "
                    f"got {amount!r}"
                )
            return receipt

    def _forget(self) -> None:
        while self.remember is not None and self._known:
            key, (time, _, _) = next(iter(self._known.items()))
            if time + self.remember > self.ledger.runtime.now:
                break
            del self._known[key]
