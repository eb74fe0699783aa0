"""Bodies change their shape over the years; the header `schema_version` says which shape this one
has.
"""

from __future__ import annotations

from collections.abc import Mapping

from mqlearn.messaging.message import Message, Reject
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check


def by_schema_version(handlers: Mapping[str, Handler]) -> Handler:
    """A handler that has each message handled by the one for its schema version, for example "1".

    A version that is not there is rejected, to the dead letters with "unknown schema": to guess how
    to read a body is worse, and to try again does not help. A message without a version has the
    version "".
    """
    check.instance("handlers", handlers, Mapping)
    known = dict(handlers)
    if not known:
        raise ValueError(f"handlers must have one version at least, got {handlers!r}")
    for version, handler in known.items():
        check.instance("handlers", version, str)
        check.function(f"handlers[{version!r}]", handler)

    def handle(message: Message) -> object:
        handler = known.get(message.schema_version)
        if handler is None:
            raise Reject(
                f"unknown schema: version {message.schema_version!r}, read here: "
                + ", ".join(map(repr, known))
            )
        return handler(message)

    return handle
