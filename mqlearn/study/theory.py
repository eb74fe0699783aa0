"""Queueing theory, to compare a run with: loads, waits, Little's law.

    load and utilisation  a = λ/μ, ρ = a/c               Erlang 1917
    all servers busy      erlang_b, erlang_c             Erlang 1917
    mean wait             M/M/1, M/D/1, M/G/1, M/M/c     Pollaczek 1930, Khinchine 1932, Erlang 1917
    wait beyond t         wait_exceeds                   Erlang 1917
    wait by priority      priority_waits                 Cobham 1954
    number = rate × time  little                         Little 1961

Everywhere λ is `arrival_rate` and μ is `service_rate` (both per second; a service lasts 1/μ seconds
on average), c is `servers`, and a *wait* is seconds from arrival to the start of service. Arrivals
are Poisson. A finite run scatters around these long-run means, widely when ρ is close to 1.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mqlearn.runtime import check

MOST_SERVERS = 1_000_000  # a recursion has as many steps


def offered_load(arrival_rate: float, service_rate: float) -> float:
    """Mean number of servers the work keeps busy, a = λ/μ, in erlangs (Erlang 1917); rates are per
    second.
    """
    _check_rates(arrival_rate, service_rate)
    return arrival_rate / service_rate


def utilisation(arrival_rate: float, service_rate: float, servers: int = 1) -> float:
    """Share of time that a server is busy if it can keep up, ρ = λ/(cμ); at 1 or more the backlog
    grows.
    """
    check.whole("servers", servers, low=1, high=MOST_SERVERS)
    return offered_load(arrival_rate, service_rate) / servers


def erlang_b(load: float, servers: int) -> float:
    """Chance that all of `servers` are busy, if arrivals do not wait but leave: B(0) = 1, B(n) =
    aB(n-1) / (n + aB(n-1)).

    `load` is a in erlangs, and may exceed `servers`. The textbook formula is a quotient of powers
    and factorials, which overflow for many servers; this recursion on the number of servers does
    not (Erlang 1917).
    """
    check.number("load", load, low=0)
    check.whole("servers", servers, low=1, high=MOST_SERVERS)
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """Chance that an arrival must wait, C = B / (1 - ρ(1 - B)) with ρ = a/c (Erlang 1917).

    `load` is a in erlangs. Raises ValueError when ρ >= 1: then every arrival waits, ever longer.
    """
    blocked = erlang_b(load, servers)
    rho = load / servers
    if rho >= 1.0:
        raise ValueError(f"utilisation rho must be below 1 for a finite wait, got rho={rho:g}")
    return blocked / (1.0 - rho * (1.0 - blocked))


def mg1_wait(arrival_rate: float, service_rate: float, *, service_cv: float) -> float:
    """Mean wait in seconds with one server and any services, ρ/(μ - λ) · (1 + cv²)/2.

    `service_cv` is the standard deviation of the service time over its mean: 0 if all last the
    same, 1 if exponential. Raises ValueError when ρ >= 1. Source: Pollaczek 1930, Khinchine 1932.
    """
    return mgc_wait(arrival_rate, service_rate, 1, service_cv=service_cv)


def mmc_wait(arrival_rate: float, service_rate: float, servers: int) -> float:
    """Mean wait in seconds with c servers on one line, exponential services, C / (cμ - λ) (Erlang
    1917).

    Rates are per second. Raises ValueError when ρ = λ/(cμ) >= 1.
    """
    must_wait = erlang_c(offered_load(arrival_rate, service_rate), servers)
    return must_wait / (servers * service_rate - arrival_rate)


def mgc_wait(arrival_rate: float, service_rate: float, servers: int, *, service_cv: float) -> float:
    """Mean wait in seconds with c servers on one line and any services, M/M/c's · (1 + cv²)/2.

    Exact for one server and for exponential services (`service_cv` = 1), a good approximation
    otherwise (Lee & Longton 1959). Raises ValueError when ρ >= 1.
    """
    check.number("service_cv", service_cv, low=0)
    return mmc_wait(arrival_rate, service_rate, servers) * (1.0 + service_cv**2) / 2.0


def wait_exceeds(seconds: float, arrival_rate: float, service_rate: float, servers: int) -> float:
    """Chance that a wait in M/M/c is longer than `seconds`, P(W > t) = C · exp(-(cμ - λ)t) (Erlang
    1917).
    """
    check.number("seconds", seconds, low=0)
    must_wait = erlang_c(offered_load(arrival_rate, service_rate), servers)
    return must_wait * math.exp(-(servers * service_rate - arrival_rate) * seconds)


def priority_waits(
    arrival_rates: Sequence[float],
    service_rate: float,
    servers: int = 1,
    *,
    service_cv: float = 1.0,
) -> list[float]:
    """Mean wait in seconds of each priority, highest first, if a service that has begun is never
    interrupted.

    W(k) = W0 / ((1 - σ(k-1)) (1 - σ(k))). Here σ(k) is the utilisation by priorities 1 to k, and W0
    is the mean time until a server is free for an urgent arrival: the mean wait in FIFO order times
    1 - ρ. The mean over all messages is that of FIFO, so priorities do not reduce waiting: they
    only move it from one priority to another (Cobham 1954; with several servers, exact for
    exponential services). Raises ValueError when ρ >= 1.
    """
    total = sum(arrival_rates)
    fifo = mgc_wait(total, service_rate, servers, service_cv=service_cv)
    first_free = fifo * (1.0 - utilisation(total, service_rate, servers))
    waits, above = [], 0.0  # above: the utilisation by all higher priorities, σ(k-1)
    for rate in arrival_rates:
        upto = above + utilisation(rate, service_rate, servers)
        waits.append(first_free / ((1.0 - above) * (1.0 - upto)))
        above = upto
    return waits


@dataclass(frozen=True)
class Little:
    """The three quantities of Little's law in one window of time; `gap` is L - λW, zero except for
    rounding errors.
    """

    number: float  # L: mean number present
    rate: float  # λ: messages present at some time in the window, per second of it
    time: float  # W: mean seconds that one of them was present inside the window

    @property
    def gap(self) -> float:
        """L - λW, in messages."""
        return self.number - self.rate * self.time


def little(sojourns: Iterable[tuple[float, float | None]], start: float, end: float) -> Little:
    """L, λ and W of `sojourns` in the window from `start` to `end` (s). A sojourn is a pair of
    times in seconds: arrived, and left (None if it is still there).

    Each sojourn is clipped to the window: then L = λW holds exactly for any arrivals, stable or not
    (Little 1961, in its finite form). L and W are computed separately, so that a run can show the
    law: L from the number present over time, W as the mean of the clipped sojourns.
    """
    start, end = check.number("start", start), check.number("end", end)
    if start >= end:
        raise ValueError(f"end must be after start, got start={start!r}, end={end!r}")
    inside: list[tuple[float, float]] = []
    for arrived, left in sojourns:
        leaves = math.inf if left is None else left
        if not arrived <= leaves:  # rather than >, so that NaN is refused as well
            raise ValueError(
                f"a sojourn must not end before it begins, got {check.short_repr((arrived, left))}"
            )
        if arrived < end and leaves > start:
            inside.append((max(arrived, start), min(leaves, end)))
    steps = sorted([(t, 1) for t, _ in inside] + [(t, -1) for _, t in inside])
    area, present, last = 0.0, 0, start
    for at, step in steps:
        area, present, last = area + present * (at - last), present + step, at
    mean = math.fsum(b - a for a, b in inside) / len(inside) if inside else 0.0
    return Little(number=area / (end - start), rate=len(inside) / (end - start), time=mean)


def _check_rates(arrival_rate: float, service_rate: float) -> None:
    check.number("arrival_rate", arrival_rate, low=0)
    check.number("service_rate", service_rate, above=0)
