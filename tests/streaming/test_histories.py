"""Random histories of the log and its groups: nothing is wrong with any, and a faulty coordinator
is found out.

More of them: `make chaos`, or `python -m tests.streaming --first 1000 --count 5000`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mqlearn.runtime.handed_in import ask
from mqlearn.streaming.assignment import Owners, check_complete, range_assignment
from mqlearn.streaming.group import ConsumerGroup, Member
from tests.streaming.history import faults, play

HISTORIES = 150


def test_random_histories_keep_every_rule() -> None:
    """No lost write, no duplicate or reordered offset, monotonic reads, one owner, at least or at
    most once.
    """
    wrong = {seed: said for seed in range(HISTORIES) if (said := faults(play(seed)))}
    assert wrong == {}


def test_the_histories_are_rough_enough() -> None:
    """In twenty of them somebody dies, is evicted, is fenced, tries again, and retention overtakes
    readers.
    """
    histories = [play(seed) for seed in range(20)]
    happened = [record.event for history in histories for record in history.records]
    for event in ("joined", "left", "evicted", "fenced", "sought", "deleted", "skipped", "reset"):
        assert happened.count(event) > 5, event
    assert sum(history.deaths for history in histories) > 100
    calls = sum((history.mischief for history in histories), Counter())
    for what in ("assignor of a", "listener", "policy", "release of a", "function of b"):
        assert calls[what] > 20, what
    assert calls["hook of a"] > 5 and sum(history.reports for history in histories) > 20
    why = {r.detail for history in histories for r in history.records if r.event == "evicted"}
    assert why == {"session timeout", "poll interval"}


class NoFence(ConsumerGroup):
    """Takes every commit, a zombie's too."""

    def _allows(self, partition: int, member: str | None, generation: int | None) -> bool:
        return True


class NeverBuries(ConsumerGroup):
    """Waits for the dead for ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"session_timeout": 1e6})


class DoesNotWait(ConsumerGroup):
    """Begins a generation before everybody has given up what they had."""

    def _begin_generation(self) -> None:
        for member in self.members.values():
            member.ready = True
        super()._begin_generation()


class UsesIdsAgain(ConsumerGroup):
    """Calls a new member by the name of one who was taken for dead."""

    def join(self, name: str) -> str:
        self._joins.clear()
        self._used_ids.clear()
        while name in self.members:
            name += "'"
        return super().join(name)


class ForgetsOffsets(ConsumerGroup):
    """Begins every generation at the beginning of the log."""

    def _begin_generation(self) -> None:
        if self.rebalancing:
            self.committed.clear()
        super()._begin_generation()


class CommitsTheLast(ConsumerGroup):
    """Takes the offset of the last event that was done for that of the next to read."""

    def commit(self, partition: int, offset: int, **who: Any) -> bool:
        return super().commit(partition, max(offset - 1, 0), **who)


class CommitsTooFar(ConsumerGroup):
    """Remembers one offset too many."""

    def commit(self, partition: int, offset: int, **who: Any) -> bool:
        accepted = super().commit(partition, offset, **who)
        if accepted and self.committed[partition] < self.stream.end(partition):
            self.committed[partition] += 1
        return accepted


class LeavesAHole(ConsumerGroup):
    """Forgets the last partition when there is more than one member."""

    def _begin_generation(self) -> None:
        before = self.generation
        super()._begin_generation()
        if self.generation > before and len(self.members) > 1:
            for owned in self.assignment.values():
                if self.stream.partition_count - 1 in owned:
                    owned.remove(self.stream.partition_count - 1)


class RevokesNothing(ConsumerGroup):
    """Deals out what somebody evicted still holds, and says so to nobody."""

    def _revoke(self, member: str) -> None:
        if self.members.get(member, Member(0.0)).ready:
            super()._revoke(member)


class DoesNotCheck(ConsumerGroup):
    """Takes an assignment that forgets a partition, or gives one to two members."""

    def _ask_assignor(self, names: list[str]) -> Owners:
        def question() -> Owners:
            owners = self._assign(list(names), self.stream.partition_count, {})
            return {name: [p for p in owners.get(name, []) if isinstance(p, int)] for name in names}

        return ask(
            self.stream.runtime,
            question,
            lambda: range_assignment(names, self.stream.partition_count),
        )


class KeepsSilent(ConsumerGroup):
    """Replaces an assignment that fails without a word to anyone."""

    def _ask_assignor(self, names: list[str]) -> Owners:
        try:
            owners = self._assign(list(names), self.stream.partition_count, {})
            return check_complete(owners, names, self.stream.partition_count)
        except BaseException:
            return range_assignment(names, self.stream.partition_count)


@pytest.mark.parametrize(
    "kind",
    [
        DoesNotCheck,
        KeepsSilent,
        NoFence,
        NeverBuries,
        DoesNotWait,
        UsesIdsAgain,
        ForgetsOffsets,
        CommitsTheLast,
        CommitsTooFar,
        LeavesAHole,
        RevokesNothing,
    ],
)
def test_a_faulty_coordinator_is_caught(kind: type[ConsumerGroup]) -> None:
    """One of the first 25 histories shows it, and what it shows is a broken rule or a run that
    cannot go on.
    """
    for seed in range(25):
        try:
            wrong = faults(play(seed, kind))
        except (Exception, SystemExit) as error:
            wrong = [type(error).__name__]
        if wrong:
            return
    raise AssertionError(f"{kind.__name__} was not noticed in 25 histories")
