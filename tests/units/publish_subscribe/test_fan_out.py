"""Exercise 07.1: the check of the fan-out passes right answers, catches wrong ones and replays
them.
"""

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.publish_subscribe.fan_out import EXERCISE, check_fan_out
from mqlearn.units.publish_subscribe.mailboxes import ORDERS, Morning, Workload, workload_of


def fan_out(message, mailboxes):
    """The worked solution: ask each, wait for none, name those that refused."""
    return [name for name, mailbox in mailboxes.items() if not mailbox.send(message, timeout=0)]


def calls_back(message, mailboxes):
    """One loop for all: the slowest subscriber sets the pace."""
    for mailbox in mailboxes.values():
        mailbox.callback(message)
    return []


def a_task_a_message(message, mailboxes):
    """One task per message and subscriber: nothing waits, and no order is kept."""
    for mailbox in mailboxes.values():
        mailbox.queue.runtime.spawn(mailbox.callback, message)
    return []


def waits_for_room(message, mailboxes):
    """A blocking put."""
    return [name for name, mailbox in mailboxes.items() if not mailbox.send(message)]


def waits_a_little(message, mailboxes):
    """A wait of a tenth of a second each time: the waits add up."""
    return [name for name, mailbox in mailboxes.items() if not mailbox.send(message, timeout=0.1)]


def stops_at_the_first(message, mailboxes):
    """One is full, so the rest hear nothing."""
    for name, mailbox in mailboxes.items():
        if not mailbox.send(message, timeout=0):
            return [name]
    return []


def says_nothing(message, mailboxes):
    """A refusal is not reported."""
    for mailbox in mailboxes.values():
        mailbox.send(message, timeout=0)
    return []


def asks_twice(message, mailboxes):
    """Perhaps there is room by now."""
    refused = fan_out(message, mailboxes)
    return [name for name in refused if not mailboxes[name].send(message, timeout=0)]


def asks_forever(message, mailboxes):
    """A loop in one instant: there is no room until time passes."""
    for mailbox in mailboxes.values():
        while not mailbox.send(message, timeout=0):
            pass
    return []


WRONG = {
    calls_back: 100,
    a_task_a_message: 100,
    waits_for_room: 100,
    waits_a_little: 100,
    stops_at_the_first: 78,
    says_nothing: 100,
    asks_twice: 100,
    asks_forever: 100,
}


def test_the_worked_solution_passes():
    """And the verdict counts the refusals."""
    assert check_fan_out(fan_out).text == (
        "passed: 100 seeds, 6,000 orders to four mailboxes: 4,595 times a full one refused, and it "
        "was said; the board "
        "and the caterer were never more than one order behind"
    )


@pytest.mark.parametrize("fn", WRONG)
def test_wrong_answers_are_caught(fn, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) == WRONG[fn] >= 20
    assert not check_fan_out(fn)


def test_any_collection_of_names_is_fine_and_nothing_else():
    """A set or a tuple says the same; a number, or a stranger's name, says nothing."""
    morning = EXERCISE.play(lambda message, mailboxes: set(fan_out(message, mailboxes)), 0)
    assert not any(EXERCISE.mistakes(morning))
    for rubbish in (3, None, ["nobody"], "auditor"):
        assert "expected a list of the names of those who refused it, it returned " in (
            check_fan_out(lambda message, mailboxes, rubbish=rubbish: rubbish).text
        )


def test_who_is_behind_is_named_and_replayed():
    """The number of orders, and the time; in the replay the subscriber is as far behind."""
    verdict = check_fan_out(waits_for_room)
    assert verdict.text == (
        "not yet: seed 0: the caterer, who takes 12 ms, is 43 orders behind at 5.7 s. Hint: who "
        "waits for whom? A "
        "mailbox that is full can be asked without waiting"
    )
    run = recall(verdict.failing_seed)
    due = [
        record.time
        for record in run.trace.records
        if record.event == "occurred" and record.source == "caterer"
    ]
    handled = [
        record.time
        for record in run.trace.records
        if record.event == "acked" and record.source == "caterer"
    ]
    assert len(due) == ORDERS and due == workload_of(0).due
    assert sum(time <= 5.75 for time in due) - sum(time <= 5.75 for time in handled) == 43


def test_what_was_not_done_or_not_said_is_named():
    """The order, the mailbox, and what was returned."""
    text = check_fan_out(stops_at_the_first).text
    assert "order-8: the board's mailbox was not asked; it returned ['auditor']" in text
    assert (
        "the auditor's mailbox refused it, and is not among those returned"
        in check_fan_out(says_nothing).text
    )
    assert "the auditor's mailbox was asked 20 times" in check_fan_out(asks_forever).text


def test_each_mailbox_keeps_the_order():
    """With the worked solution every mailbox hands on what it took in the order of publication."""
    morning = EXERCISE.play(fan_out, 3)
    assert morning.mistake is None
    run = morning.run("")
    for name in ("board", "caterer", "auditor", "webhook"):
        began = [
            int(record.message_id.removeprefix("order-"))
            for record in run.trace.records
            if record.event == "started" and record.source == name
        ]
        assert began == sorted(began) and len(began) == len(set(began)) > 0
    assert run.totals["sent"] + 1 > 3 * ORDERS


def test_behind_by_hand():
    """Due at 1, 2 and 3 s, heard at 1.5 and 4 s: two behind at 3 s."""
    load = Workload(0, [1.0, 2.0, 3.0], {"board": 0.1}, 1)
    assert Morning(load, {"board": [1.5, 4.0]}).behind("board") == (2, -3.0)
