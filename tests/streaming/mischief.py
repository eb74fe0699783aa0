"""Code that is handed in and misbehaves at random in a history: assignors, hooks, listeners,
policies and functions. Each does so until 100 s, so that the history can come to its end.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from mqlearn import Consumer, Outcome, Release, RetryPolicy, Simulation, StreamEvent
from mqlearn.streaming.assignment import ASSIGNORS, Assignor
from mqlearn.streaming.stream import EventStream

QUIET = 100.0  # seconds


class Mischief(Exception):
    """Raised by code that was handed in; it has not even a text."""

    def __str__(self) -> str:
        raise ValueError("no text")


async def coroutine_function() -> None:
    """Does nothing when it is called."""


def raises() -> Any:
    """Fail like most code does."""
    raise Mischief


def leaves() -> Any:
    """Fail like a script that was imported for a function."""
    raise SystemExit(1)


NONSENSE: list[Callable[[dict[str, list[int]]], Any]] = [
    lambda owners: raises(),
    lambda owners: leaves(),
    lambda owners: None,
    lambda owners: (name for name in owners),
    lambda owners: dict(list(owners.items())[1:]),
    lambda owners: {name: has[1:] for name, has in owners.items()},
    lambda owners: {name: [*has, 0] for name, has in owners.items()},
    lambda owners: {name: [[p] for p in has] for name, has in owners.items()},
    lambda owners: {name: float("nan") for name in owners},
]
RESULTS: list[Callable[[], Any]] = [
    raises,
    leaves,
    Mischief,
    lambda: Outcome("failed", "x"),
    lambda: Outcome("rejected", "x"),
    coroutine_function,
    lambda: (each for each in "ab"),
]


class Troublemaker:
    """Hands in code that misbehaves, to a history that draws it by its `dice`; every other history
    has none of it. `reports` counts the failures that must surface from `run()`.
    """

    def __init__(self, sim: Simulation, dice: random.Random) -> None:
        self.sim, self.share = sim, dice.choice([0.0, 0.3])
        self.reports = 0
        self.calls: Counter[str] = Counter()

    def strikes(self, what: str) -> bool:
        """Return True if this call of `what` misbehaves."""
        self.calls[what] += 1
        return (
            self.sim.now < QUIET and self.sim.draw("mischief", what, self.calls[what]) < self.share
        )

    def pick(self, what: str, choices: list[Any]) -> Any:
        """Return one of the choices."""
        return choices[int(self.sim.draw("pick", what, self.calls[what]) * len(choices))]

    def assignor(self, group: str, name: str) -> Assignor:
        """Return the assignor of this name, which sometimes answers nonsense."""

        def assign(members: list[str], partitions: int, previous: Any) -> Any:
            owners = ASSIGNORS[name](members, partitions, previous)
            previous.clear()
            members.reverse()
            if not self.strikes(f"assignor of {group}"):
                return owners
            self.reports += 1
            return self.pick(f"assignor of {group}", NONSENSE)(owners)

        return assign

    def listener(self, record: Any) -> None:
        """Hear a record, and sometimes fail."""
        if self.strikes("listener"):
            self.pick("listener", [raises, leaves])()

    def policy(self) -> RetryPolicy:
        """Return a policy that sometimes has no usable delay."""
        trouble = self

        class Policy(RetryPolicy):
            def delay(self, retry_count: int, draw: float = 0.5) -> Any:
                if not trouble.strikes("policy"):
                    return super().delay(retry_count, draw)
                trouble.reports += 1
                odd = trouble.pick("policy", [raises, lambda: None, lambda: float("nan"), list])
                return odd()

        return Policy(base=0.5, cap=2.0, jitter="none")

    def release(self, group: str) -> None:
        """Sometimes give the event back, for half a second."""
        if self.strikes(f"release of {group}") and self.share:
            raise Release(0.5)

    def spoil(self, event: StreamEvent, group: str) -> Any:
        """Write nonsense into the event, and sometimes fail in an odd way."""
        event.partition = event.sequence_number = event.event_id = None  # type: ignore[assignment]
        if self.strikes(f"function of {group}"):
            return self.pick(f"function of {group}", RESULTS)()
        return self.pick(f"function of {group}", [None, True, False, 0])

    def visit(
        self,
        stream: EventStream,
        group: str,
        commit: str,
        seen_by: Callable[[StreamEvent], None],
    ) -> None:
        """Be a member of the group for a while, by a consumer whose hooks fail, commit, or poll."""

        def hook(partitions: list[int]) -> None:
            if self.strikes(f"hook of {group}"):
                self.pick(f"hook of {group}", [raises, leaves, consumer.poll])()

        def on_revoked(partitions: list[int]) -> None:
            consumer.commit()
            hook(partitions)

        with Consumer(
            stream, group, name="visitor", on_assigned=hook, on_revoked=on_revoked
        ) as consumer:
            while self.sim.now < QUIET:
                events = consumer.poll(3, timeout=2)
                if commit == "before":
                    consumer.commit()
                for event in events:
                    self.sim.sleep(0.2)
                    seen_by(event)
                if commit == "after":
                    consumer.commit()
