"""The picture of requests on the wire."""

import pytest

from mqlearn.lab import wire
from mqlearn.lab.wire import Part, as_text, show_wire

XADD = [
    Part(b"*5\r\n", "frame", "five values"),
    Part(b"$6\r\norders\r\n", "address", "the stream"),
    Part(b"$8\r\n" + b"x" * 900 + b"\r\n", "body", "its value"),
]


@pytest.fixture
def shown(monkeypatch):
    """The sizes of the pictures that were shown."""
    sizes = []
    monkeypatch.setattr(wire, "show_png", lambda png, *size: sizes.append((png[:4], *size)))
    return sizes


def test_the_sentence_counts_the_bytes(shown, capsys):
    """All of them, and those that are not the message."""
    show_wire({"RESP": XADD, "short": XADD[:1]}, title="What goes over the wire?")
    assert capsys.readouterr().out == (
        "RESP: 922 bytes, 16 of them around the message; "
        "short: 4 bytes, 4 of them around the message.\n"
    )
    assert [(png, width) for png, width, _ in shown] == [(b"\x89PNG", 640)]


def test_a_request_of_many_parts_takes_more_lines(shown):
    """Parts that do not fit beside each other go on below, and the picture grows."""
    for parts in (XADD, XADD * 4):
        show_wire({"RESP": parts}, title="What goes over the wire?")
    assert shown[1][2] > shown[0][2]


def test_bytes_are_written_to_be_read():
    """Characters where there are some, hexadecimal where there are none, and no more than fits."""
    assert as_text(b"GET / HTTP/1.1\r\n") == "GET / HTTP/1.1↵"
    assert as_text(b"\x00\x3c\x00\x28orders\x00\xce") == "00 < 00 (orders 00 ce"
    assert as_text(bytes(range(97, 123)) * 2, most=20) == "abcdefghijk…stuvwxyz"


def test_an_unknown_role_is_refused():
    """The error lists the roles."""
    with pytest.raises(ValueError, match="role must be one of 'frame', 'address'"):
        show_wire({"RESP": [Part(b"*5", "header", "five values")]}, title="?")
