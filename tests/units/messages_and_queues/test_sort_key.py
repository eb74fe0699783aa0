"""Exercise 01.1: whether the check of a sort key can tell right from wrong."""

import pytest

from mqlearn.study.exercise import SEEDS
from mqlearn.units.messages_and_queues.sort_key import EXERCISE, check_sort_key


def solution(message, seq):
    """The worked solution."""
    return (-message.priority.value, seq)


WRONG = {
    "no sequence number": lambda message, seq: (-message.priority.value, message.timestamp),
    "the message as tie-breaker": lambda message, seq: (
        -message.priority.value,
        message.timestamp,
        message,
    ),
    "LOW first": lambda message, seq: (message.priority.value, seq),
    "last in, first out": lambda message, seq: (-message.priority.value, -seq),
    "first in, first out": lambda message, seq: (seq,),
    "time before priority": lambda message, seq: (message.timestamp, -message.priority.value, seq),
    "priority by its name": lambda message, seq: (message.priority.name, seq),
    "the id, which is text": lambda message, seq: (-message.priority.value, message.id),
    "now a number, now a text": lambda message, seq: (
        -message.priority.value,
        seq if seq % 9 else str(seq),
    ),
    "priorities themselves": lambda message, seq: (message.priority, seq),
}


@pytest.mark.parametrize(
    "fn",
    [
        solution,
        lambda m, s: (-m.priority.value, m.timestamp, s),
        lambda m, s: (5 - m.priority.value, s, "x"),
    ],
)
def test_right_answers_pass(fn):
    """The worked solution does, and others that order alike."""
    assert check_sort_key(fn).text == (
        "passed: 100 seeds, 20,000 messages: all came out by priority, equals in the order of "
        "sending, and no two "
        "messages were compared"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in every one of a hundred seeds, and by the check as a whole."""
    fn = WRONG[name]
    assert caught(EXERCISE, fn) == len(SEEDS)
    assert not check_sort_key(fn)


def test_what_is_said():
    """Each kind of mistake has its own sentence."""
    assert check_sort_key(WRONG["LOW first"]).text == (
        "not yet: seed 0: order-6, LOW, was served before order-0, CRITICAL. Hint: a heap hands "
        "out the smallest key "
        "first, and LOW is 1"
    )
    assert (
        "the heap compared the messages themselves"
        in check_sort_key(WRONG["no sequence number"]).text
    )
    assert (
        "which is CRITICAL as well and was sent first"
        in check_sort_key(WRONG["last in, first out"]).text
    )
    assert (
        "cannot be compared with another: '<' not supported"
        in check_sort_key(WRONG["priorities themselves"]).text
    )
