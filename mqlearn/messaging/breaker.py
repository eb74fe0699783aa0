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
from mqlearn.messaging.protected import ProtectedCalls
from mqlearn.messaging.waiting_pools import WaitingPools
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Timer
from mqlearn.runtime.handed_in import Listeners, ask
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Trace

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"
# the event that the trace records when a breaker gets into this state
STATE_EVENTS = {CLOSED: "closed", OPEN: "opened", HALF_OPEN: "half_opened"}
LOOK_AGAIN = 1.0  # seconds until a pool looks if a permit that takes a place was dropped
DEFAULT_COOLDOWN = 30.0  # seconds; also in place of a `cooldown` function's answer that is none


class CircuitBreaker(ProtectedCalls):
    """Gives permits for calls while a service works, and none for `cooldown` seconds once it fails.

    CLOSED opens after `failure_threshold` failures in a row or, given a `rate`, when that share of
    a sliding window has failed. A call that takes more than `slow_after` seconds counts as a
    failure, whatever its answer. OPEN becomes HALF_OPEN by itself when the cool-down is over;
    `cooldown` may be a function that returns the seconds, given how often the breaker has opened
    since it was last closed (from 1); if it has no usable answer, 30 s stand in, and the error
    surfaces from `run()` or `join()`. HALF_OPEN admits `probes` calls: it closes when all have
    succeeded, and opens again at the first failure; with a `rate`, the share of failed probes
    decides. A probe without an answer after `probe_timeout` seconds (None: wait forever) counts as
    failed.

    `state` is "CLOSED", "OPEN" or "HALF_OPEN", `failure_count` the failures in a row,
    `last_failure_time` (s) the time of the last failure (0 before the first), and `refused` the
    number of times that `acquire` returned None. Each change of state is a record in the trace
    under the breaker's `name`. A new breaker is closed.

    There are three ways to make a call: `acquire` a permit and answer it, `call` a function, or put
    the call into a `with` block.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        cooldown: float | Callable[[int], float] = DEFAULT_COOLDOWN,
        *,
        rate: FailureRate | None = None,
        probes: int = 1,
        slow_after: float | None = None,
        probe_timeout: float | None = 60.0,
        runtime: Runtime | None = None,
        trace: Trace | None = None,
        name: str = "breaker",
    ) -> None:
        self.failure_threshold: int = check.whole("failure_threshold", failure_threshold, low=1)
        self.cooldown: float | Callable[[int], float] = cooldown
        if callable(cooldown):
            check.function("cooldown", cooldown)
        else:
            self.cooldown = check.number("cooldown", cooldown, low=0)
        check.instance("rate", rate, FailureRate, optional=True)
        self.rate, self.probes = rate, check.whole("probes", probes, low=1)
        self.slow_after = check.number("slow_after", slow_after, low=0, optional=True)
        self.probe_timeout = check.number("probe_timeout", probe_timeout, above=0, optional=True)
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        check.instance("name", name, str)
        self.runtime: Runtime = default_runtime() if runtime is None else runtime
        self.trace, self.name = trace, name
        self.state, self.generation = CLOSED, 0
        self.failure_count = self.refused = self.times_opened = 0
        self.last_failure_time = 0.0
        self._lock = self.runtime.lock()
        self._listeners = Listeners()
        self._pools = WaitingPools(self.runtime)
        self._window = self._fresh_window(CLOSED)
        # probes of this generation: those that succeeded, and those without an answer. The latter
        # are weak, so that a permit that was dropped gives its place back.
        self._succeeded = 0
        self._unanswered: weakref.WeakSet[Permit] = weakref.WeakSet()
        self._cooldown_timer: Timer | None = None
        self._look_timer: Timer | None = None
        # of the probes that have begun, with a strong reference: the timer answers for these
        self._probe_timers: dict[Permit, Timer] = {}

    def acquire(self, *, begin: bool = True) -> Permit | None:
        """Return a permit for one call, or None; never wait. With `begin=False` the call starts at
        `permit.begin()`, so the time before that is not part of its duration.
        """
        check.instance("begin", begin, bool)
        return self._acquire(begin, None)

    def _acquire(self, begin: bool, pool: object) -> Permit | None:
        """Return a permit or None. A permit that a `pool` reserves takes its place among the probes
        when the call begins: until then it only counts for that pool, since its queue may be empty.
        """
        with self._lock:
            # under the lock: two workers must not both be the last probe
            if self.state == OPEN or (self.state == HALF_OPEN and self._taken(pool) >= self.probes):
                self.refused += 1
                if pool is not None:
                    self._look_again_later()
                return None
            probe = self.state == HALF_OPEN
            permit = Permit(self, self.generation, probe, self.runtime.now, pool)
            if permit.probe:
                self._unanswered.add(permit)
            if begin:
                self._begin(permit)
            return permit

    def _look_again_later(self) -> None:
        """Wake the pools in a second if the permit of a direct call without a time limit takes a
        place: no notification comes when it is dropped.
        """
        if self._look_timer is None and any(
            permit.reserved_by is None and permit not in self._probe_timers
            for permit in self._unanswered
        ):
            self._look_timer = self._call_after(LOOK_AGAIN, CircuitBreaker._look, daemon=True)

    def _look(self) -> None:
        self._look_timer = None
        self._pools.wake()

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener()` after each change of state and after each cancelled probe, without
        holding the breaker's lock. If it raises an exception, that is logged and passed over.
        """
        check.function("listener", listener)
        self._listeners.add(listener)

    def reset(self) -> None:
        """Close the breaker by hand, and forget all failures."""
        with self._lock:
            self._change_state(CLOSED, "by hand")
        self._notify()

    # What permits call.

    def _begin(self, permit: Permit) -> bool:
        with self._lock:
            if not permit.current:
                return False
            reserved = permit.reserved_by is not None and not permit.begun
            if reserved and self.state == HALF_OPEN and self._taken(None) >= self.probes:
                self._end(permit, "cancelled")
                return False
            permit.begun = True
            # it may begin a second time: the time from `acquire` on is dropped, and the probe's
            # timer is set again below
            permit.began = self.runtime.now
            self._stop_probe_timer(permit)
            if permit.probe and self.probe_timeout is not None:
                lost = f"no answer within {self.probe_timeout:g} s"
                self._probe_timers[permit] = self._call_after(
                    self.probe_timeout, lambda self: self._answer(permit, lost)
                )
            return True

    def _answer(self, permit: Permit, failure: str | None) -> bool:
        with self._lock:
            if not permit.current:
                return False
            # a slow success is a failure too: slow calls keep all workers busy, as if the service
            # were down
            took = self.runtime.now - permit.began
            if failure is None and self.slow_after is not None and took > self.slow_after:
                failure = f"slow: {took:g} s"
            self._end(permit, "succeeded" if failure is None else f"failed: {failure}")
            self._count(permit, failure is not None)
            generation = self.generation
        # outside the lock: code that was handed in may call this breaker, or wait for a lock
        if permit.generation != generation:
            try:
                self._ask_cooldown(generation)
            finally:
                self._notify()
        return True

    def _cancel(self, permit: Permit) -> bool:
        with self._lock:
            if not permit.current:
                return False
            self._end(permit, "cancelled")
        # another call may be the probe now
        if permit.probe:
            self._notify()
        return True

    def _end(self, permit: Permit, how: str) -> None:
        permit.answered = True
        self._unanswered.discard(permit)
        self._stop_probe_timer(permit)
        if permit.probe:
            self._record("probed", how)

    def _stop_probe_timer(self, permit: Permit) -> None:
        timer = self._probe_timers.pop(permit, None)
        if timer is not None:
            timer.cancel()

    # The rules.

    def _taken(self, pool: object) -> int:
        """Return how many places of the half-open breaker's probes are taken, as `pool` sees it."""
        answered = self._succeeded if self._window is None else len(self._window)
        return answered + sum(
            permit.begun or permit.reserved_by is None or permit.reserved_by is pool
            for permit in self._unanswered
        )

    def _count(self, permit: Permit, failed: bool) -> None:
        # failures in a row: one success starts the count again, so a service that fails now and
        # then does not open the breaker
        self.failure_count = self.failure_count + 1 if failed else 0
        if failed:
            self.last_failure_time = self.runtime.now
        # with a `rate` the window alone decides; the count of failures in a row is only shown
        window = self._window
        if window is not None:
            window.record(failed, self.runtime.now)
            if window.tripped:
                self._change_state(OPEN, str(window))
            elif permit.probe and window.sufficient:
                self._change_state(CLOSED, str(window))
        elif permit.probe:
            self._succeeded += not failed
            if failed:
                self._change_state(OPEN, "a probe failed")
            elif self._succeeded == self.probes:
                self._change_state(CLOSED, f"probes succeeded: {self.probes}")
        elif self.failure_count >= self.failure_threshold:
            self._change_state(OPEN, f"failures in a row: {self.failure_count}")

    def _change_state(self, state: str, why: str) -> None:
        """Change the state, and begin a new generation. The state is changed nowhere else."""
        for timer in self._probe_timers.values():
            timer.cancel()
        if self._cooldown_timer is not None:
            self._cooldown_timer.cancel()
        self._probe_timers, self._cooldown_timer = {}, None
        # all of this is counted per generation, and the old permits are not current any more
        self._succeeded, self._unanswered = 0, weakref.WeakSet()
        self._window = self._fresh_window(state)
        self.generation += 1
        self.state = state
        self._record(STATE_EVENTS[state], why)
        if state == OPEN:
            self.times_opened += 1
            # a function is asked afterwards: whatever it does, the breaker has a cool-down already
            self._start_cooldown(DEFAULT_COOLDOWN if callable(self.cooldown) else self.cooldown)
        # not when it becomes half-open: a failed probe must count as one more opening for
        # `cooldown`
        elif state == CLOSED:
            self.failure_count = self.times_opened = 0

    def _start_cooldown(self, seconds: float) -> None:
        # remembered, since the breaker may be closed and opened again before this timer fires
        generation = self.generation
        if self._cooldown_timer is not None:
            self._cooldown_timer.cancel()
        self._cooldown_timer = self._call_after(seconds, lambda self: self._half_open(generation))

    def _ask_cooldown(self, generation: int) -> None:
        """Ask the function `cooldown`, if it is one, how long the OPEN state that began with this
        generation is to last.
        """
        cooldown, times, began = self.cooldown, self.times_opened, self.runtime.now
        if self.state != OPEN or not callable(cooldown):
            return
        seconds: float = ask(
            self.runtime,
            lambda: check.number("cooldown", cooldown(times), low=0),
            lambda: DEFAULT_COOLDOWN,
        )
        with self._lock:
            # it may have called this breaker, or another task has closed it meanwhile
            if generation == self.generation:
                self._start_cooldown(max(0.0, began + seconds - self.runtime.now))

    def _half_open(self, generation: int) -> None:
        with self._lock:
            if generation != self.generation:  # closed by hand as the timer fired
                return
            self._change_state(HALF_OPEN, "the cool-down is over")
        self._notify()

    def _fresh_window(self, state: str) -> Window | None:
        if self.rate is None or state == OPEN:
            return None
        return Window(
            replace(self.rate, calls=self.probes, seconds=None) if state == HALF_OPEN else self.rate
        )

    def _notify(self) -> None:
        # pools first and apart from the listeners: whatever these do, no worker stays asleep
        self._pools.wake()
        self._listeners.tell()

    def _refusal(self) -> str:
        timer = self._cooldown_timer
        if timer is None:
            return f"{self.name} must be called later: all probes are taken ({self.probes})"
        left = max(0.0, timer.time - self.runtime.now)
        return f"{self.name} must not be called for another {left:g} s: it is {self.state}"

    def _record(self, event: str, detail: str) -> None:
        if self.trace is not None:
            now, worker = self.runtime.stamp()
            self.trace.note(now, event, self.name, worker=worker, detail=detail)

    def _call_after(
        self, seconds: float, fn: Callable[[CircuitBreaker], object], *, daemon: bool = False
    ) -> Timer:
        """Call `fn(self)` `seconds` from now, unless this breaker has been garbage collected by
        then.
        """
        # the timer must not keep a breaker alive that nothing else refers to
        myself = weakref.ref(self)

        def call() -> None:
            breaker = myself()
            if breaker is not None:
                fn(breaker)

        return self.runtime.call_at(self.runtime.now + seconds, call, daemon=daemon)
