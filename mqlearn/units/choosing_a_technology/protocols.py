"""Requests on the wire: the bytes that each client sends to publish one order, as recorded."""

from __future__ import annotations

import json

from mqlearn.study.data_files import data_file


def wire_requests() -> dict[str, list[tuple[bytes, str, str]]]:
    """Return the recorded request of each protocol, by its name and that of the client.

    A request is a list of parts: their bytes, their role ("frame", "address", "properties" or
    "body"), and what they say in a few words. scripts/capture_wire.py records them.
    """
    known = json.loads(data_file("wire.json").read_text(encoding="utf-8"))
    return {
        f"{each['name']} ({each['client']})": [
            (bytes.fromhex(data), role, says) for data, role, says in each["parts"]
        ]
        for each in known.values()
    }
