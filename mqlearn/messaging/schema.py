"""Routing by the header `schema_version`. It says which fields a message's body has, since these
change over the years.
"""

from __future__ import annotations

from collections.abc import Mapping

from mqlearn.messaging.message import Message, Reject
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.check import short_repr


def by_schema_version(handlers: Mapping[str, Handler]) -> Handler:
    """Return a handler that calls `handlers[version]` for the message's schema version, for example
    "1".

    A message with a version that is not in `handlers` is rejected, so it goes to the dead letters
    with "unknown schema": a guess at the meaning of its body could do harm, and another try does
    not help. A message without a version has the version "".
    """
    check.instance("handlers", handlers, Mapping)
    # a copy, so that a later change of the caller's dict changes nothing here
    known = dict(handlers)
    if not known:
        raise ValueError(f"handlers must have one version at least, got {short_repr(handlers)}")
    for version, handler in known.items():
        check.instance("handlers", version, str)
        check.function(f"handlers[{short_repr(version)}]", handler)

    def handle(message: Message) -> object:
        version = message.schema_version
        handler = known.get(version) if isinstance(version, str) else None
        if handler is None:
            raise Reject(
                f"unknown schema: version {short_repr(version)}, read here: "
                + ", ".join(map(repr, known))
            )
        return handler(message)

    return handle
