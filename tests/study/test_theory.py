"""Queueing theory against textbook values, identities and bad input."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqlearn.study import theory
from mqlearn.study.theory import Little, little

loads = st.floats(0.01, 0.98)
rates = st.floats(0.01, 100.0)


@pytest.mark.parametrize(("rho", "service_times"), [(0.8, 4.0), (0.95, 19.0), (0.99, 99.0)])
def test_one_server_waits_4_19_and_99_service_times(rho: float, service_times: float) -> None:
    """M/M/1 waits rho/(1 - rho) service times before service."""
    assert theory.mmc_wait(rho, 1.0, 1) == pytest.approx(service_times)
    assert theory.mmc_wait(rho / 5, 1 / 5, 1) == pytest.approx(5 * service_times)


def test_three_servers_textbook_value() -> None:
    """One arrival a second, 2.5 s of work, three servers: 3.51 s, and 70 % of arrivals wait."""
    assert theory.mmc_wait(1.0, 0.4, 3) == pytest.approx(3.511236, abs=1e-6)
    assert theory.erlang_c(2.5, 3) == pytest.approx(0.702247, abs=1e-6)


def test_cobham_textbook_values() -> None:
    """With 5, 15, 40 and 40 % of 0.8 a second, the four priorities wait 0.83, 0.99, 1.83 and 7.69
    s.
    """
    waits = theory.priority_waits([0.04, 0.12, 0.32, 0.32], 1.0)
    assert [round(wait, 2) for wait in waits] == [0.83, 0.99, 1.83, 7.69]


@pytest.mark.parametrize(
    ("load", "servers", "blocked"), [(1.0, 1, 0.5), (2.0, 2, 0.4), (10.0, 10, 0.214582)]
)
def test_erlang_b_textbook_values(load: float, servers: int, blocked: float) -> None:
    """Erlang's loss table, as printed in textbooks."""
    assert theory.erlang_b(load, servers) == pytest.approx(blocked, abs=1e-6)


def test_erlang_b_survives_ten_thousand_servers() -> None:
    """The recursion stays finite where factorials overflow, below and above capacity."""
    assert 0.0 < theory.erlang_b(10_000.0, 10_000) < 0.01
    assert theory.erlang_b(20_000.0, 10_000) == pytest.approx(0.5, abs=0.001)
    assert theory.mmc_wait(9_990.0, 1.0, 10_000) < 1.0


@given(load=loads, servers=st.integers(1, 40))
def test_erlang_c_agrees_with_its_textbook_sum(load: float, servers: int) -> None:
    """Erlang C by the recursion equals the quotient of powers and factorials."""
    a = load * servers
    last = a**servers / math.factorial(servers) / (1 - load)
    whole = sum(a**n / math.factorial(n) for n in range(servers)) + last
    assert theory.erlang_c(a, servers) == pytest.approx(last / whole, rel=1e-9)


@given(load=loads, mu=rates)
def test_many_servers_formula_with_one_server_is_m_m_1(load: float, mu: float) -> None:
    """M/M/c with c = 1 is M/M/1, and M/D/1 is half of it."""
    one = theory.mmc_wait(load * mu, mu, 1)
    assert one == pytest.approx(load / (mu * (1 - load)))
    assert theory.mg1_wait(load * mu, mu, service_cv=1.0) == pytest.approx(one)
    assert theory.mg1_wait(load * mu, mu, service_cv=0.0) == pytest.approx(one / 2)


@given(load=loads, mu=rates, cv=st.floats(0.0, 5.0))
def test_pollaczek_khinchine_from_the_second_moment(load: float, mu: float, cv: float) -> None:
    """M/G/1 equals λE[S²] / 2(1 - ρ), the form that textbooks print."""
    second_moment = (1 + cv**2) / mu**2
    expected = load * mu * second_moment / (2 * (1 - load))
    assert theory.mg1_wait(load * mu, mu, service_cv=cv) == pytest.approx(expected)


@given(
    shares=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
    load=loads,
    servers=st.integers(1, 8),
    cv=st.floats(0.0, 3.0),
)
def test_priorities_move_waiting_and_do_not_remove_it(
    shares: list[float], load: float, servers: int, cv: float
) -> None:
    """Cobham's waits rise with falling priority, and weighted by share their mean is FIFO's."""
    total = load * servers
    per_class = [total * share / sum(shares) for share in shares]
    waits = theory.priority_waits(per_class, 1.0, servers, service_cv=cv)
    mean = sum(rate * wait for rate, wait in zip(per_class, waits, strict=True)) / sum(per_class)
    assert mean == pytest.approx(
        theory.mgc_wait(sum(per_class), 1.0, servers, service_cv=cv), rel=1e-6
    )
    assert waits == sorted(waits)


def test_lone_priority_waits_as_fifo() -> None:
    """With a single priority Cobham's formula is FIFO's."""
    assert theory.priority_waits([1.0], 0.4, 3) == pytest.approx([theory.mmc_wait(1.0, 0.4, 3)])


def test_mean_wait_is_the_area_under_its_tail() -> None:
    """Integrating P(W > t) gives M/M/c's mean wait: two formulas, one distribution."""
    step = 0.01
    area = sum(theory.wait_exceeds((i + 0.5) * step, 1.0, 0.4, 3) for i in range(20_000)) * step
    assert area == pytest.approx(theory.mmc_wait(1.0, 0.4, 3), rel=1e-4)


def test_load_and_utilisation() -> None:
    """6 jobs a second of 0.6 s load 3.6 servers: too much for three of them, 90 % of four."""
    assert theory.offered_load(6.0, 1 / 0.6) == pytest.approx(3.6)
    assert theory.utilisation(6.0, 1 / 0.6, 3) == pytest.approx(1.2)
    assert theory.utilisation(6.0, 1 / 0.6, 4) == pytest.approx(0.9)


def test_no_arrivals_no_wait() -> None:
    """With nothing arriving nobody waits, and nothing divides by zero."""
    assert theory.mmc_wait(0.0, 1.0, 2) == theory.mg1_wait(0, 1, service_cv=1) == 0.0
    assert theory.priority_waits([0.0, 0.0], 1.0) == [0.0, 0.0]


def test_little_clips_what_crosses_the_window() -> None:
    """Early, late and unfinished sojourns count for the part inside; merely touching the window
    does not.
    """
    sojourns = [(-5.0, 2.0), (1.0, 4.0), (8.0, None), (-3.0, 0.0), (10.0, 11.0)]
    assert little(sojourns, 0.0, 10.0) == Little(number=0.7, rate=0.3, time=pytest.approx(7 / 3))
    assert little([], 0.0, 10.0) == Little(number=0.0, rate=0.0, time=0.0)


@given(st.lists(st.tuples(st.floats(-50, 150), st.none() | st.floats(0, 80))))
def test_little_is_exact_for_any_sojourns(drawn: list[tuple[float, float | None]]) -> None:
    """L = λW whatever arrives, overload included, once sojourns are clipped."""
    sojourns = [(at, None if stay is None else at + stay) for at, stay in drawn]
    assert little(sojourns, 0.0, 100.0).gap == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.mmc_wait(1.2, 1.0, 1),
        lambda: theory.mg1_wait(1.2, 1.0, service_cv=0.0),
        lambda: theory.mg1_wait(1.2, 1.0, service_cv=0.5),
        lambda: theory.mmc_wait(3.6, 1.0, 3),
        lambda: theory.erlang_c(3.6, 3),
        lambda: theory.wait_exceeds(1.0, 3.6, 1.0, 3),
        lambda: theory.priority_waits([0.6, 0.6], 1.0),
    ],
)
def test_an_unstable_queue_has_no_mean_wait(call: object) -> None:
    """At a utilisation of 1 or more every wait is refused by an error that names rho."""
    with pytest.raises(ValueError, match=r"rho must be below 1 .*got rho=1\.2"):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: theory.mmc_wait(-1.0, 1.0, 1),
            ValueError,
            "arrival_rate must not be negative, got -1.0",
        ),
        (
            lambda: theory.mmc_wait(math.nan, 1.0, 1),
            ValueError,
            "arrival_rate must be finite, got nan",
        ),
        (lambda: theory.mmc_wait("1", 1.0, 1), TypeError, "arrival_rate must be a number, got '1'"),
        (
            lambda: theory.mmc_wait(1.0, 0.0, 3),
            ValueError,
            "service_rate must be positive, got 0.0",
        ),
        (lambda: theory.mmc_wait(1.0, 1.0, 0), ValueError, "servers must be at least 1, got 0"),
        (
            lambda: theory.utilisation(1.0, 1.0, 2.5),
            TypeError,
            "servers must be a whole number, got 2.5",
        ),
        (lambda: theory.erlang_b(-1.0, 3), ValueError, "load must not be negative, got -1.0"),
        (
            lambda: theory.mg1_wait(0.5, 1.0, service_cv=-1),
            ValueError,
            "service_cv must not be negative, got -1",
        ),
        (
            lambda: theory.wait_exceeds(-1, 0.5, 1.0, 1),
            ValueError,
            "seconds must not be negative, got -1",
        ),
        (
            lambda: theory.priority_waits([0.9, -0.1], 1.0),
            ValueError,
            "arrival_rate must not be negative",
        ),
        (
            lambda: theory.little([], 5.0, 5.0),
            ValueError,
            "end must be after start, got start=5.0, end=5.0",
        ),
        (
            lambda: theory.little([(2.0, 1.0)], 0.0, 5.0),
            ValueError,
            "must not end before it begins",
        ),
    ],
)
def test_bad_input_names_parameter_rule_and_value(
    call: object, error: type[Exception], message: str
) -> None:
    """Each impossible argument is refused by name, rule and value."""
    with pytest.raises(error) as raised:
        call()  # type: ignore[operator]
    assert message in str(raised.value)
