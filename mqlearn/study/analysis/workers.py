"""The analysis of a pool that is scaled: how many workers there are over time, and their cost."""

from __future__ import annotations

from collections.abc import Iterable

from mqlearn.runtime.trace import Record


class WorkerLevels:
    """The workers of one pool over time, read off its "scaled" records; empty lists without any.

    From each of `times` (s) on, `working` workers take messages or finish their last one, and
    `starting` are ordered and not ready yet.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.times: list[float] = []
        self.working: list[int] = []
        self.starting: list[int] = []
        for time, event, *_, detail in records:
            if event != "scaled":
                continue
            if self.times and self.times[-1] == time:
                # only a level that lasted: several changes of one instant are one
                for levels in (self.times, self.working, self.starting):
                    levels.pop()
            self.times.append(time)
            self.working.append(detail.running + detail.leaving)
            self.starting.append(detail.starting)

    @property
    def peak(self) -> int:
        """The most workers at one time, those that are starting included; 0 without any."""
        return max(map(int.__add__, self.working, self.starting), default=0)

    def seconds(self, until: float) -> float:
        """Return the worker-seconds until `until` (s): a worker costs from its order to its end."""
        ends = [*self.times[1:], until]
        return sum(
            (working + starting) * (min(end, until) - min(time, until))
            for time, working, starting, end in zip(
                self.times, self.working, self.starting, ends, strict=False
            )
        )
