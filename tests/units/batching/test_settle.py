"""Exercise 06.2: the check of a batch's settlement tells right from wrong."""

import pytest

from mqlearn.units.batching.settle import EXERCISE, batches_of, check_settle


def settle(batch, results):
    """The worked solution: can it be matched at all? Then each by its own result."""
    if not isinstance(results, list):
        return [f"nack: {results!r} instead of a list"] * len(batch)
    if len(results) != len(batch):
        return [f"nack: {len(results)} results for {len(batch)} messages"] * len(batch)
    return ["ack" if result is True else "nack" for result in results]


def matched(fn):
    """This function for what can be matched, and the worked solution for the rest."""

    def answer(batch, results):
        can = isinstance(results, list) and len(results) == len(batch)
        return fn(results) if can else settle(batch, results)

    return answer


def zips(batch, results):
    """A list that is too short ends the batch early, without a word."""
    try:
        return [
            "ack" if result is True else "nack" for _, result in zip(batch, results, strict=False)
        ]
    except TypeError:
        return ["nack: no results"] * len(batch)


def pads(batch, results):
    """The first ones of a short list are believed."""
    if not isinstance(results, list):
        return settle(batch, results)
    results = (results + [None] * len(batch))[: len(batch)]
    return ["ack" if result is True else "nack: no result" for result in results]


def acks_all_on_none(batch, results):
    """No complaint is no failure."""
    return ["ack"] * len(batch) if results is None else settle(batch, results)


def says_nothing(batch, results):
    """Nacks without a reason."""
    return [word[:4].strip(":") for word in settle(batch, results)]


WRONG = {
    "zip": (zips, 100),
    "pads": (pads, 99),
    "acks all on None": (acks_all_on_none, 100),
    "says nothing": (says_nothing, 100),
    "what is true": (
        matched(lambda results: ["ack" if result else "nack" for result in results]),
        93,
    ),
    "what equals True": (
        matched(lambda results: ["ack" if result == True else "nack" for result in results]),  # noqa: E712
        60,
    ),
    "all or nothing": (
        matched(
            lambda results: ["nack" if {*map(repr, results)} > {"True"} else "ack"] * len(results)
        ),
        100,
    ),
    "acks first": (
        matched(lambda results: sorted("ack" if r is True else "nack" for r in results)),
        99,
    ),
}


def test_the_worked_solution_passes():
    """And the verdict counts what could not be matched."""
    assert check_settle(settle).text == (
        "passed: 1,200 batches, 7,213 messages: acked was what had succeeded, all else nacked; 740 "
        "answers could not "
        "be matched, and each nack said why"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    fn, seeds = WRONG[name]
    assert caught(EXERCISE, fn) == seeds >= 20
    assert not check_settle(fn)


def test_what_was_wrong_is_said():
    """The verdict has what the handler returned, the message, and the whole answer."""
    assert check_settle(zips).text == (
        "not yet: seed 0: 6 messages, the handler returned [True, True, True]: 3 answers; it "
        "returned ['ack', 'ack', "
        "'ack']. Hint: one for each message of the batch, in its order"
    )
    assert check_settle(says_nothing).text.endswith(
        'Hint: say what was wrong with the answer: "nack: 3 results for 10 messages"'
    )


def test_other_words_and_changed_arguments_are_told():
    """Only the two words count, and both lists must stay as they are."""
    assert 'expected a list of "ack" and "nack", it returned [True, ' in (
        check_settle(lambda batch, results: [True] * len(batch)).text
    )
    assert "expected a list" in check_settle(lambda batch, results: ["nack: "] * len(batch)).text

    def empties(batch, results):
        said = settle(batch, results)
        batch.clear()
        return said

    assert "batch and results are not what they were before" in check_settle(empties).text


def test_all_kinds_are_in_every_seed():
    """Lists of all lengths, None, a single True and an exception."""
    for seed in range(100):
        shapes = {
            type(batch.results)
            if not isinstance(batch.results, list)
            else (len(batch.results) > len(batch.messages))
            - (len(batch.results) < len(batch.messages))
            for batch in batches_of(seed)
        }
        assert shapes == {0, 1, -1, type(None), bool, RuntimeError}
