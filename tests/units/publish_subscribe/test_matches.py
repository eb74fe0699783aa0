"""Exercise 07.2: the check of the patterns passes right answers and catches wrong ones."""

import re
from fnmatch import fnmatchcase

import pytest

from mqlearn.messaging import patterns
from mqlearn.units.publish_subscribe.matches import EXERCISE, brute_force, check_matches, pairs_of


def matches(pattern, topic):
    """The worked solution: one word after the other; # is nothing, or one word and # again."""

    def read(wanted, words):
        if not wanted:
            return not words
        if wanted[0] == "#":
            return read(wanted[1:], words) or (bool(words) and read(wanted, words[1:]))
        return bool(words) and wanted[0] in ("*", words[0]) and read(wanted[1:], words[1:])

    return read(pattern.split("."), topic.split("."))


def at_least_one(pattern, topic):
    """# for one word or more."""

    def read(wanted, words):
        if not wanted:
            return not words
        if wanted[0] == "#":
            return bool(words) and (read(wanted[1:], words[1:]) or read(wanted, words[1:]))
        return bool(words) and wanted[0] in ("*", words[0]) and read(wanted[1:], words[1:])

    return read(pattern.split("."), topic.split("."))


def at_the_end_only(pattern, topic):
    """# ends the reading."""
    wanted, words = pattern.split("."), topic.split(".")
    for place, want in enumerate(wanted):
        if want == "#":
            return True
        if place >= len(words) or want not in ("*", words[place]):
            return False
    return len(wanted) == len(words)


def side_by_side(pattern, topic):
    """The shorter of the two ends it."""
    return all(
        want in ("*", "#", word)
        for want, word in zip(pattern.split("."), topic.split("."), strict=False)
    )


def stops_where_it_can(pattern, topic):
    """# takes words until the next one fits, and never goes back."""
    wanted, words = pattern.split("."), topic.split(".")
    place = 0
    for number, want in enumerate(wanted):
        if want == "#" and number == len(wanted) - 1:
            return True
        if want == "#":
            while place < len(words) and wanted[number + 1] not in ("*", words[place]):
                place += 1
        elif place < len(words) and want in ("*", words[place]):
            place += 1
        else:
            return False
    return place == len(words)


def by_expression(pattern, topic):
    """A dot too many or too few beside a #."""
    return bool(
        re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+").replace(r"\#", ".*"), topic)
    )


WRONG = {
    "fnmatch": lambda pattern, topic: fnmatchcase(topic, pattern),
    "fnmatch, # as *": lambda pattern, topic: fnmatchcase(topic, pattern.replace("#", "*")),
    "a regular expression": by_expression,
    "# is one or more": at_least_one,
    "# at the end only": at_the_end_only,
    "zip": side_by_side,
    "# never goes back": stops_where_it_can,
    "without #": patterns.matches,
    "never": lambda pattern, topic: False,
}
CAUGHT = {"# at the end only": 84, "# never goes back": 61}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict names the dialect."""
    assert check_matches(matches).text == (
        "passed: 2,000 pairs, 1,153 of them match, in the dialect of RabbitMQ: `*` is one word, "
        "`#` any number of them"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, WRONG[name]) == CAUGHT.get(name, 100) >= 20
    assert not check_matches(WRONG[name])


@pytest.mark.parametrize(
    ("pattern", "topic", "right"),
    [
        ("orders.*", "orders.eu", True),
        ("orders.*", "orders", False),
        ("orders.*", "orders.eu.paid", False),
        ("orders.#", "orders", True),
        ("orders.#", "orders.eu.paid", True),
        ("#", "anything.at.all", True),
        ("#.paid", "paid", True),
        ("#.paid.#", "a.paid.b", True),
        ("*.#", "a", True),
        ("#.*", "a.b", True),
        ("a.#.b.#.c", "a.b.x.b.c", True),
        ("orders.eu", "orders.eu", True),
        ("orders.eu", "ordersXeu", False),
    ],
)
def test_what_brute_force_says(pattern, topic, right):
    """By hand, and the worked solution agrees."""
    assert brute_force(pattern, topic) is right
    assert matches(pattern, topic) is right


def test_a_wrong_match_is_named():
    """Pattern, topic, what was expected; and the package, which has no #, is not the answer."""
    assert check_matches(WRONG["fnmatch, # as *"]).text == (
        "not yet: seed 0: matches('#.eu', 'eu'): expected True, it returned False. Hint: # is any "
        "number of words: "
        "none, one, or more, wherever it stands"
    )
    assert "expected True, it returned None. Hint: it is either True or False" in (
        check_matches(lambda pattern, topic: re.match("x", "y")).text
    )


def test_without_a_hash_the_package_agrees():
    """On all pairs whose pattern has none."""
    pairs = [
        (pattern, topic)
        for seed in range(100)
        for pattern, topic in pairs_of(seed)
        if "#" not in pattern
    ]
    assert len(pairs) > 200
    assert all(patterns.matches(*pair) == brute_force(*pair) for pair in pairs)
