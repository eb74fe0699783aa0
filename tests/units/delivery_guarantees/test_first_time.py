"""Exercise 03.2: its check tells a memory of the right length from others."""

from collections import deque

import pytest

from mqlearn.units.delivery_guarantees.first_time import EXERCISE, check_first_time, day, held


class Window:
    """The worked solution: keys in the order of their first time; the oldest go at each call."""

    def __init__(self, horizon_s, rate):
        self.horizon, self.known = horizon_s, {}

    def first_time(self, key, now):
        while self.known:
            oldest = next(iter(self.known))
            if now - self.known[oldest] <= self.horizon:
                break
            del self.known[oldest]
        if key in self.known:
            return False
        self.known[key] = now
        return True


class LastKeys:
    """The last so many, by `share` of what comes in a horizon."""

    share = 0.5

    def __init__(self, horizon_s, rate):
        self.known = deque(maxlen=max(1, int(horizon_s * rate * self.share)))

    def first_time(self, key, now):
        if key in self.known:
            return False
        self.known.append(key)
        return True


class JustSoMany(LastKeys):
    """Exactly what the mean promises."""

    share = 1.0


class AFewMore(LastKeys):
    """Right: a count with something to spare, where the rate is never exceeded."""

    share = 1.05


class ForEver(Window):
    """Nothing is forgotten."""

    def __init__(self, horizon_s, rate):
        super().__init__(float("inf"), rate)


class OneLease(Window):
    """A window of one lease of several."""

    def __init__(self, horizon_s, rate):
        super().__init__(horizon_s / 4, rate)


class TwoGenerations:
    """Two sets that change places each horizon: right, and up to twice as many keys."""

    def __init__(self, horizon_s, rate):
        self.horizon, self.old, self.new, self.since = horizon_s, set(), set(), 0.0

    def first_time(self, key, now):
        if now - self.since > self.horizon:
            self.old, self.new, self.since = self.new, set(), now
        if key in self.old or key in self.new:
            return False
        self.new.add(key)
        return True


WRONG_WINDOW = {LastKeys: 100, JustSoMany: 89, ForEver: 100, OneLease: 100, TwoGenerations: 100}


@pytest.mark.parametrize("window", [Window, AFewMore])
def test_a_memory_of_one_horizon_passes(window):
    """The worked solution, and a count that is large enough."""
    assert check_first_time(window).text == (
        "passed: 100 seeds, 62,190 messages: 18,079 duplicates were known again, no new key was "
        "refused, and never "
        "more than 1.1 × rate × horizon keys were held"
    )


@pytest.mark.parametrize("window", WRONG_WINDOW)
def test_too_short_and_too_long_memories_are_caught(window, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, window) == WRONG_WINDOW[window] >= 20
    assert not check_first_time(window)


def test_what_is_said_of_a_memory():
    """Which key, when, and how long after its first time; or how many are held."""
    assert "order-12 passed twice: at 1.1 s and again 3.6 s later, within the horizon of 11 s" in (
        check_first_time(OneLease).text
    )
    assert (
        "seed 0: at 12.2 s 135 keys are held, and 130 are allowed. Hint: "
        in check_first_time(ForEver).text
    )
    refusing = type("Refusing", (Window,), {"first_time": lambda *_: False})
    assert "order-0, new at 0.0 s, was taken for a duplicate" in check_first_time(refusing).text


def test_keys_are_counted_wherever_they_are_held():
    """In one container or several, once if it is the same key; texts in tuples and heaps too."""
    memory = Window(10.0, 1.0)
    for number in range(7):
        memory.first_time(f"order-{number}", 0.0)
    assert held(memory) == 7
    memory.also = deque((float(n), f"order-{n}") for n in range(3, 12))
    assert held(memory) == 12
    horizon, rate, asks = day(5)
    assert sum(first for *_, first in asks) == pytest.approx(4 * rate * horizon, abs=1)
    first = {key: now for now, key, new in asks if new}
    assert all(0 <= now - first[key] < horizon for now, key, _ in asks)
