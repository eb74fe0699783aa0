"""A rate limit: a token bucket, and a limiter that has one for each tenant."""

from __future__ import annotations

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime

# Tokens that may be missing: a sender that keeps exactly to the rate would otherwise be refused,
# since the time of day as a float is exact to a quarter of a microsecond only.
ROUNDING = 1e-6


class TokenBucket:
    """A bucket that holds at most `burst` tokens, and gets `rate` new ones per second.

    It is full at the start; each message takes one token, and is refused if there is none. So in
    any window of t seconds at most `burst` + `rate` · t messages are allowed. The caller passes the
    time (s), which must not go back.
    """

    __slots__ = ("burst", "rate", "time", "tokens")

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = check.number("rate", rate, above=0)
        self.burst = check.whole("burst", burst, low=1)
        self.tokens, self.time = float(self.burst), float("-inf")

    def allow(self, now: float) -> bool:
        """Take a token at the time `now` (s); False if there is none."""
        now = max(self.time, check.number("now", now))
        self.tokens = min(self.burst, self.tokens + self.rate * (now - self.time))
        self.time = now
        if self.tokens < 1 - ROUNDING:
            return False
        self.tokens -= 1
        return True


class RateLimiter:
    """A limit for each tenant on its own: at most `burst` messages at once, and `rate` per second.

    `len(limiter)` is the number of tenants it remembers. A tenant that has sent nothing for
    `burst` / `rate` seconds has a full bucket again, as a new one has, so it is forgotten. This
    limits tenants, and not their number: a hundred of them may send a hundred times `rate`.
    """

    def __init__(self, rate: float, burst: int, *, runtime: Runtime | None = None) -> None:
        self.rate = check.number("rate", rate, above=0)
        self.burst = check.whole("burst", burst, low=1)
        check.instance("runtime", runtime, Runtime, optional=True)
        self._runtime = default_runtime() if runtime is None else runtime
        self._lock = self._runtime.lock()
        self._buckets: dict[str, TokenBucket] = {}  # the one that was used last stands last

    def allow(self, tenant: str) -> bool:
        """Return True if this tenant may send a message now; it then counts as sent."""
        check.instance("tenant", tenant, str)
        with self._lock:
            now = self._runtime.now
            self._forget(now - self.burst / self.rate)
            bucket = self._buckets.pop(tenant, None) or TokenBucket(self.rate, self.burst)
            self._buckets[tenant] = bucket
            return bucket.allow(now)

    def _forget(self, before: float) -> None:
        """Forget the tenants that were last heard of `before` (s)."""
        while self._buckets:
            first = next(iter(self._buckets))
            if self._buckets[first].time > before:
                return
            del self._buckets[first]

    def __len__(self) -> int:
        return len(self._buckets)
