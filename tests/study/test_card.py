"""The ledger says what really happened; a card with keys charges once for each, a card without each
time.
"""

from __future__ import annotations

import pytest

from mqlearn import Simulation
from mqlearn.study.card import Effect, EffectLedger, KeyedCard, PlainCard


def test_the_ledger_makes_charged_twice_visible() -> None:
    """Every effect is there with its time and worker, counted by business key."""
    with Simulation() as sim:
        ledger = EffectLedger(sim)
        card = PlainCard(ledger, seconds=2.0)
        sim.spawn(
            lambda: [card.charge("order-1", 5.0), card.charge("order-2", 7.0)], name="worker-0"
        )
        sim.spawn(card.charge, "order-2", 7.0, name="worker-1")
        sim.run()
        assert ledger.effects == [
            Effect(2.0, "order-1", "worker-0", 5.0),
            Effect(2.0, "order-2", "worker-1", 7.0),
            Effect(4.0, "order-2", "worker-0", 7.0),
        ]
        assert (ledger.counts(), ledger.twice()) == ({"order-1": 1, "order-2": 2}, ["order-2"])
        assert ledger.tally(["order-1", "order-2", "order-3"]) == {"0": 1, "1": 1, "2+": 1}


def test_a_key_is_charged_once_and_answered_with_its_receipt() -> None:
    """One after the other and at the same instant: one effect, one receipt."""
    with Simulation() as sim:
        ledger = EffectLedger(sim)
        card = KeyedCard(ledger, seconds=1.0)
        receipts: list[str] = []
        for _ in range(3):
            sim.spawn(lambda: receipts.append(card.charge("order-1", 5.0)))
        sim.run()
        receipts += [card.charge("order-1", 5.0), card.charge("order-2", 5.0)]
        assert receipts == ["receipt-1"] * 4 + ["receipt-2"]
        assert ledger.counts() == {"order-1": 1, "order-2": 1}


def test_the_same_key_with_another_amount_is_an_error_and_charges_nothing() -> None:
    """Two different charges under one key are a bug of the caller, and told so."""
    with Simulation() as sim:
        card = KeyedCard(EffectLedger(sim))
        card.charge("order-1", 5.0)
        with pytest.raises(
            ValueError, match="amount must be 5 as before for the key 'order-1', got 6"
        ):
            card.charge("order-1", 6.0)
        assert card.ledger.counts() == {"order-1": 1}


def test_a_card_that_forgets_charges_again() -> None:
    """A key is remembered from its charge for as long as was said, and no answer makes that
    longer.
    """
    with Simulation() as sim:
        card = KeyedCard(EffectLedger(sim), remember=60.0)
        for at in (0.0, 40.0, 59.0, 60.0, 119.0, 121.0):
            sim.run(until=at)
            card.charge("order-1", 5.0)
        assert [effect.time for effect in card.ledger.effects] == [0.0, 60.0, 121.0]
        assert len(card._known) == 1
