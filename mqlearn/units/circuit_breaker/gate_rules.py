"""The rules that the gate of exercise 05.2 must keep, as a gate that records its changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from mqlearn.messaging.breaker import CLOSED, HALF_OPEN, OPEN, STATE_EVENTS
from mqlearn.messaging.message import COMPLETED, Outcome
from mqlearn.runtime.trace import Record
from mqlearn.study.tries import Life, Try

COOLDOWN = 10.0  # seconds
PROBE_LIMIT = 60.0  # seconds: a probe without an answer has failed then
NO_ANSWER = Outcome("failed", "no answer")

Permit = tuple[int, int]  # a generation, and a number within it


@dataclass
class Rules:
    """A gate that keeps the rules of `check_gate` with `n` probes; it also counts and records.

    Each change of state begins a new generation. A permit is valid only in the generation that gave
    it: so an answer that is older than the last change does not count.
    """

    n: int
    state: str = CLOSED
    since: float = 0.0  # when the state began (s)
    generation: int = 0
    probes: dict[Permit, float] = field(default_factory=dict)  # unanswered, and since when (s)
    let_in: int = 0  # in this generation
    old: str = ""  # the last answer in this generation that did not count
    asked: int = 0
    opened: int = 0
    old_answers: int = 0
    lost_probes: int = 0
    calls: list[Life] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)  # the changes of state

    def change(self, state: str, when: float) -> None:
        """Begin another state at `when` (s), and with it a new generation."""
        self.state, self.since, self.probes, self.let_in, self.old = state, when, {}, 0, ""
        self.generation += 1
        self.opened += state == OPEN
        self.records.append(Record(when, STATE_EVENTS[state], "breaker", detail=""))

    def pass_time(self, now: float) -> None:
        """Make the changes that are due by `now` (s) without any call."""
        # A loop, because several changes may be due: a probe is lost, then it is half-open again.
        while True:
            if self.state == OPEN and now >= self.since + COOLDOWN:
                self.change(HALF_OPEN, self.since + COOLDOWN)
            elif self.probes and now >= min(self.probes.values()) + PROBE_LIMIT:
                self.lost_probes += 1
                # The argument is worked out before `change` clears the probes.
                self.change(OPEN, min(self.probes.values()) + PROBE_LIMIT)
            else:
                return

    def acquire(self, now: float) -> Permit | None:
        """Return a permit, or None if no caller is let in at `now` (s)."""
        self.pass_time(now)
        self.asked += 1
        if self.state == OPEN or (self.state == HALF_OPEN and self.let_in == self.n):
            return None
        self.let_in += 1
        permit = (self.generation, self.let_in)
        if self.state == HALF_OPEN:
            self.probes[permit] = now
        return permit

    def report(self, caller: int, permit: Permit, ok: bool, now: float) -> None:
        """Take the answer of this caller's call, which ends at `now` (s)."""
        self.pass_time(now)
        if permit[0] != self.generation:
            self.old_answers += 1
            self.old = f"caller-{caller} reported {'success' if ok else 'failure'} at {now:.1f} s"
            return
        self.probes.pop(permit, None)
        if not ok:
            self.change(OPEN, now)
        elif self.state == HALF_OPEN and self.let_in == self.n and not self.probes:
            self.change(CLOSED, now)

    def note_call(self, caller: str, start: float, end: float, ok: bool | None) -> None:
        """Note a call from `start` to `end` (s) that was let in; `ok` is None if it never ends."""
        outcome = None if ok is None else COMPLETED if ok else NO_ANSWER
        tried = Try(start, end, outcome, caller)
        self.calls.append(Life(f"call-{len(self.calls) + 1}", start, (tried,)))
        if self.state == HALF_OPEN and outcome is not None:
            detail = "succeeded" if ok else "failed: no answer"
            self.records.append(Record(end, "probed", "breaker", worker=caller, detail=detail))
