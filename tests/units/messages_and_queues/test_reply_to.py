"""Exercise 01.2: whether the check of an envelope can tell right from wrong."""

import pytest

from mqlearn import Message
from mqlearn.units.messages_and_queues.reply_to import EXERCISE, check_reply_to


def solution(parent, body, new_id):
    """The worked solution."""
    headers = {**parent.headers, "causation_id": parent.id, "schema_version": "1"}
    headers.setdefault("correlation_id", parent.id)
    return Message(id=new_id, body=body, headers=headers)


def changed(**headers):
    """The worked solution with other headers; None leaves one out."""

    def reply_to(parent, body, new_id):
        reply = solution(parent, body, new_id)
        for name, value in headers.items():
            found = value(parent, new_id) if callable(value) else value
            reply.headers.pop(name, None)
            if found is not None:
                reply.headers[name] = found
        return reply

    return reply_to


def in_the_parent(parent, body, new_id):
    """Write into headers that belong to the parent."""
    parent.headers.update(solution(parent, body, new_id).headers)
    return Message(id=new_id, body=body, headers=parent.headers)


def only_known(parent, body, new_id):
    """Start from nothing instead of the parent's headers."""
    known = ("correlation_id", "causation_id", "schema_version")
    full = solution(parent, body, new_id)
    return Message(id=new_id, body=body, headers={name: full.headers[name] for name in known})


def broken_afterwards(parent, body, new_id):
    """A message that was right when it was made."""
    reply = solution(parent, body, new_id)
    reply.headers = None
    return reply


WRONG = {
    "broken afterwards": broken_afterwards,
    "the parent is forgotten": changed(causation_id=None),
    "a fresh correlation id each step": changed(correlation_id=lambda parent, new_id: new_id),
    "correlation with the parent only": changed(correlation_id=lambda parent, new_id: parent.id),
    "the conversation as cause": changed(
        causation_id=lambda parent, _: parent.headers.get("correlation_id", parent.id)
    ),
    "no schema version": changed(schema_version=None),
    "the parent's schema version": changed(
        schema_version=lambda parent, _: parent.headers.get("schema_version", "1")
    ),
    "only known headers": only_known,
    "written into the parent": in_the_parent,
    "the parent again": lambda parent, body, new_id: parent,
    "body forgotten": lambda parent, body, new_id: Message(
        id=new_id, headers=solution(parent, body, new_id).headers
    ),
    "id forgotten": lambda parent, body, new_id: Message(
        body=body, headers=solution(parent, body, new_id).headers
    ),
}
CAUGHT = {"the parent's schema version": 28, "only known headers": 96}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says what was tried."""
    assert check_reply_to(solution).text == (
        "passed: 100 seeds, 500 replies: every conversation has one correlation id, every reply "
        "names its cause and "
        "schema version 1, and no header of others was lost"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    fn = WRONG[name]
    assert caught(EXERCISE, fn) == CAUGHT.get(name, 100) >= 20
    assert not check_reply_to(fn)


def test_what_is_said():
    """The header, what it should be, what it is."""
    said = check_reply_to(WRONG["a fresh correlation id each step"]).text
    assert said.startswith(
        "not yet: seed 0: reply 1: expected correlation_id 'm-eca4e70b', got 'm-6e0d6115'. Hint: "
    )
    assert (
        "expected causation_id 'm-eca4e70b', got nothing"
        in check_reply_to(WRONG["the parent is forgotten"]).text
    )
    assert "m-eca4e70b, the parent, was changed" in check_reply_to(in_the_parent).text
