"""A circuit breaker: stop calling what is broken, and find out carefully whether it still is.

             too many failures                 cool-down over (by timer)
    CLOSED ─────────────────────▶ OPEN ─────────────────────────────────▶ HALF_OPEN
       ▲                           ▲                                       │     │
       │                           └─────────────── probes failed ─────────┘     │
       └─────────────────────────────────────────── probes succeeded ────────────┘

Sources: M. Nygard, *Release It!*, and M. Fowler's bliki, who made it known; resilience4j, Polly and
pybreaker.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace

from mqlearn.messaging.failure_rate import FailureRate, Window
from mqlearn.messaging.permit import Permit
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Timer
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Trace

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"
RECORDED = {CLOSED: "closed", OPEN: "opened", HALF_OPEN: "half_opened"}


class CircuitBreaker:
    """Hands out permits while a service answers, and none for `cooldown` seconds once it does not.

    CLOSED opens after `failure_threshold` failures in a row or, given a `rate`, when that share of
    a sliding window has failed. A call that takes more than `slow_after` seconds has failed,
    whatever it says. OPEN becomes HALF_OPEN by itself when the cool-down is over; `cooldown` may be
    a function of how often the breaker has opened since it was last closed (from 1). HALF_OPEN
    admits `probes` calls: all must succeed to close it and one failure opens it again, or with a
    `rate` their share decides. A probe without an answer after `probe_timeout` seconds (None:
    waited for for ever) has failed.

    `state` is "CLOSED", "OPEN" or "HALF_OPEN", `failure_count` the failures in a row,
    `last_failure_time` (s) the time of the last one, 0 before it, and `refused` how often `acquire`
    said no. Each change of state is a record in the trace under the breaker's `name`; it begins
    closed.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        cooldown: float | Callable[[int], float] = 30.0,
        *,
        rate: FailureRate | None = None,
        probes: int = 1,
        slow_after: float | None = None,
        probe_timeout: float | None = 60.0,
        runtime: Runtime | None = None,
        trace: Trace | None = None,
        name: str = "breaker",
    ) -> None:
        check.whole("failure_threshold", failure_threshold, low=1)
        if not callable(cooldown):
            check.number("cooldown", cooldown, low=0)
        check.instance("rate", rate, FailureRate, optional=True)
        check.whole("probes", probes, low=1)
        check.number("slow_after", slow_after, low=0, optional=True)
        check.number("probe_timeout", probe_timeout, above=0, optional=True)
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        check.instance("name", name, str)
        self.failure_threshold, self.cooldown, self.rate, self.probes = (
            failure_threshold,
            cooldown,
            rate,
            probes,
        )
        self.slow_after, self.probe_timeout = slow_after, probe_timeout
        self.runtime: Runtime = default_runtime() if runtime is None else runtime
        self.trace, self.name = trace, name
        self.state, self.generation = CLOSED, 0
        self.failure_count = self.refused = self.times_opened = 0
        self.last_failure_time = 0.0
        self._lock = self.runtime.lock()
        self._listeners: list[Callable[[], object]] = []
        self._window = self._fresh_window(CLOSED)
        # in this generation: permits but for the cancelled ones, good probes
        self._out = self._succeeded = 0
        self._timer: Timer | None = None
        self._alarms: dict[Permit, Timer] = {}  # of the probes that have not answered

    def acquire(self, *, begin: bool = True) -> Permit | None:
        """A permit for one call, or None; never waits. With `begin=False` the call begins with
        `permit.begin()`.
        """
        check.instance("begin", begin, bool)
        with self._lock:
            if self.state == OPEN or (self.state == HALF_OPEN and self._out >= self.probes):
                self.refused += 1
                return None
            self._out += 1
            permit = Permit(self, self.generation, self.state == HALF_OPEN, self.runtime.now)
            if begin:
                self._begin(permit)
            return permit

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener()` after each change of state and when a probe's place is free again,
        under no lock.
        """
        check.function("listener", listener)
        self._listeners.append(listener)

    def reset(self) -> None:
        """Close it by hand, with nothing remembered."""
        with self._lock:
            self._become(CLOSED, "by hand")
        self._tell()

    # What permits say.

    def _begin(self, permit: Permit) -> bool:
        with self._lock:
            if not permit.current:
                return False
            permit.began = self.runtime.now
            self._silence(permit)
            if permit.probe and self.probe_timeout is not None:
                lost = f"no answer within {self.probe_timeout:g} s"
                self._alarms[permit] = self._call_after(
                    self.probe_timeout, lambda self: self._answer(permit, lost)
                )
            return True

    def _answer(self, permit: Permit, failure: str | None) -> bool:
        with self._lock:
            if not permit.current:
                return False
            took = self.runtime.now - permit.began
            if failure is None and self.slow_after is not None and took > self.slow_after:
                failure = f"slow: {took:g} s"
            self._end(permit, "succeeded" if failure is None else f"failed: {failure}")
            self._judge(permit, failure is not None)
            changed = permit.generation != self.generation
        if changed:
            self._tell()
        return True

    def _cancel(self, permit: Permit) -> bool:
        with self._lock:
            if not permit.current:
                return False
            self._out -= 1
            self._end(permit, "cancelled")
        if permit.probe:
            self._tell()
        return True

    def _end(self, permit: Permit, how: str) -> None:
        permit.answered = True
        self._silence(permit)
        if permit.probe:
            self._record("probed", how)

    def _silence(self, permit: Permit) -> None:
        alarm = self._alarms.pop(permit, None)
        if alarm is not None:
            alarm.cancel()

    # The rules.

    def _judge(self, permit: Permit, failed: bool) -> None:
        self.failure_count = self.failure_count + 1 if failed else 0
        if failed:
            self.last_failure_time = self.runtime.now
        window = self._window
        if window is not None:
            window.record(failed, self.runtime.now)
            if window.tripped:
                self._become(OPEN, str(window))
            elif permit.probe and window.judged:
                self._become(CLOSED, str(window))
        elif permit.probe:
            self._succeeded += not failed
            if failed:
                self._become(OPEN, "a probe failed")
            elif self._succeeded == self.probes:
                self._become(CLOSED, f"probes succeeded: {self.probes}")
        elif self.failure_count >= self.failure_threshold:
            self._become(OPEN, f"failures in a row: {self.failure_count}")

    def _become(self, state: str, why: str) -> None:
        """The one place where the state changes; with it begins a new generation."""
        # it may refuse, before anything has changed
        cooldown = self._cooldown() if state == OPEN else 0.0
        for timer in self._alarms.values():
            timer.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._alarms, self._timer = {}, None
        self._out = self._succeeded = 0
        self._window = self._fresh_window(state)
        self.generation += 1
        self.state = state
        self._record(RECORDED[state], why)
        if state == OPEN:
            self.times_opened += 1
            generation = self.generation
            self._timer = self._call_after(cooldown, lambda self: self._cooled(generation))
        elif state == CLOSED:
            self.failure_count = self.times_opened = 0

    def _cooldown(self) -> float:
        if not callable(self.cooldown):
            return self.cooldown
        seconds = self.cooldown(self.times_opened + 1)
        check.number("cooldown", seconds, low=0)
        return seconds

    def _cooled(self, generation: int) -> None:
        with self._lock:
            if generation != self.generation:  # closed by hand while this was on its way
                return
            self._become(HALF_OPEN, "the cool-down is over")
        self._tell()

    def _fresh_window(self, state: str) -> Window | None:
        if self.rate is None or state == OPEN:
            return None
        return Window(
            replace(self.rate, calls=self.probes, seconds=None) if state == HALF_OPEN else self.rate
        )

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _record(self, event: str, detail: str) -> None:
        if self.trace is not None:
            now, worker = self.runtime.stamp()
            self.trace.note(now, event, self.name, worker=worker, detail=detail)

    def _call_after(self, seconds: float, fn: Callable[[CircuitBreaker], object]) -> Timer:
        """Call `fn(self)` then, unless nobody holds this breaker any more: a cool-down keeps none
        alive.
        """
        myself = weakref.ref(self)

        def call() -> None:
            breaker = myself()
            if breaker is not None:
                fn(breaker)

        return self.runtime.call_at(self.runtime.now + seconds, call)
