"""Idempotent handlers with one fault each: the test of the promise that it breaks must fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import IdempotentHandler, Message, Release
from mqlearn.messaging.idempotency import Claim
from tests.messaging import once
from tests.messaging import test_idempotency as promises
from tests.messaging import test_idempotency_window as windows


class AcksWhileAtWork(IdempotentHandler):
    """Takes a duplicate for done because somebody is at it."""

    def __call__(self, message: Message) -> object:
        try:
            return super().__call__(message)
        except Release:
            return None


class ReleasesAtOnce(IdempotentHandler):
    """Gives the duplicate back to be taken again in the same instant."""

    def __call__(self, message: Message) -> object:
        try:
            return super().__call__(message)
        except Release:
            self.delay = 0.001
            raise Release(self.delay) from None


class MakesNoClaim(IdempotentHandler):
    """Looks only for what is done."""

    def _holds(self, claim: Claim) -> bool:
        return False


class ClaimsForEver(IdempotentHandler):
    """Asks nobody whether the one who claimed still lives."""

    def _holds(self, claim: Claim) -> bool:
        return True


class ClaimsForAFixedTime(IdempotentHandler):
    """Takes no notice of a lease that was extended, or lost."""

    def _holds(self, claim: Claim) -> bool:
        return self._runtime.now < claim.until


class TheDeadTidyUp(IdempotentHandler):
    """Ends the claim of a worker that crashed."""

    def _crashed(self) -> bool:
        return False


class AFailureKeepsItsClaim(IdempotentHandler):
    """Leaves the key claimed after a failed try."""

    def _end_claim(self, key: str, mine: Claim) -> None:
        pass


class ForgetsAtOnce(IdempotentHandler):
    """Stores no result."""

    def _store(self, key: str, message: Message, result: object) -> object:
        return result


class NeverForgets(IdempotentHandler):
    """Keeps every result."""

    def _drop_old_results(self) -> None:
        pass


class EveryDuplicateProlongs(IdempotentHandler):
    """Counts the window from the last duplicate."""

    def _store(self, key: str, message: Message, result: object) -> object:
        if key in self._results:
            self._results[key] = (0.0, self._results[key][1])
        return super()._store(key, message, result)


class KeysByMessageId(IdempotentHandler):
    """Takes another message for another order."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"key": lambda message: message.id})


class OnlyTheHolderMayBeDone(IdempotentHandler):
    """Throws away the result of a worker whose lease was lost, though its work is done."""

    def _work(self, key: str, message: Message, mine: Claim) -> object:
        result = super()._work(key, message, mine)
        if not self._holds(mine):
            self._results.pop(key, None)
        return result


BROKEN: list[tuple[type[IdempotentHandler], Callable[..., None]]] = [
    (
        AcksWhileAtWork,
        promises.test_the_work_of_a_worker_that_dies_is_done_by_the_duplicate_or_the_redelivery,
    ),
    (
        ReleasesAtOnce,
        promises.test_a_duplicate_of_work_that_is_going_on_is_put_off_and_later_answered,
    ),
    (
        MakesNoClaim,
        promises.test_a_duplicate_of_work_that_is_going_on_is_put_off_and_later_answered,
    ),
    (
        ClaimsForEver,
        lambda: promises.test_a_claim_ends_with_the_lease_of_the_dead_not_before(False),
    ),
    (
        ClaimsForAFixedTime,
        lambda: promises.test_a_claim_ends_with_the_lease_of_the_dead_not_before(False),
    ),
    (TheDeadTidyUp, lambda: promises.test_a_claim_ends_with_the_lease_of_the_dead_not_before(True)),
    (AFailureKeepsItsClaim, promises.test_a_failure_ends_the_claim_at_once),
    (ForgetsAtOnce, promises.test_a_stored_result_is_the_answer_to_every_later_duplicate),
    (NeverForgets, windows.test_memory_follows_the_window),
    (EveryDuplicateProlongs, windows.test_a_result_is_kept_for_the_window_and_no_longer),
    (KeysByMessageId, promises.test_the_key_is_the_business_key),
    (
        OnlyTheHolderMayBeDone,
        promises.test_a_lost_lease_passes_the_claim_on_and_the_late_result_still_counts,
    ),
]


@pytest.mark.parametrize(
    ("mutant", "promise"), BROKEN, ids=[mutant.__name__ for mutant, _ in BROKEN]
)
def test_a_broken_promise_is_caught(
    mutant: type[IdempotentHandler], promise: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler that breaks it fails the very test that holds it."""

    class Bounded(mutant):  # type: ignore[misc, valid-type]
        """Gives up where the fault would go in circles."""

        calls = 0

        def __call__(self, message: Message) -> object:
            self.calls += 1
            assert self.calls < 3000
            return super().__call__(message)

    monkeypatch.setattr(once, "IdempotentHandler", Bounded)
    with pytest.raises((AssertionError, Release)):
        promise()
