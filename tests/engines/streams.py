"""The logs that the contract of streams holds for: how each is made, and read by groups."""

from __future__ import annotations

import sys
from itertools import count
from secrets import token_hex
from typing import Any

import mqlearn.engines
from mqlearn import Consumer, EventStream
from mqlearn.engines.features import supports

LOGS = {"memory": "", "kafka_log": "kafka"}  # kind of log -> the engine whose server it needs

# EventStream is no engine, and has no row in the table of engines.
MEMORY_LOG = {
    "exact_size": "native",
    "order_by_key": "native",
    "replay": "native",
    "groups": "native",
    "release_free": "native",
    "transactions": "unsupported",
}
_numbers = count(1)


class LogSite:
    """Makes logs of one kind on the shared server of its engine, and closes them."""

    def __init__(self, kind: str, servers: Any, note: Any) -> None:
        self.kind, self._servers, self._note = kind, servers, note
        self.engine = LOGS[kind]
        self.url = servers.url(self.engine) if self.engine else ""
        self._all: list[Any] = []

    @property
    def features(self) -> dict[str, str]:
        """Each feature, and whether this kind declares it native, emulated or unsupported."""
        return supports(self.kind) if self.engine else MEMORY_LOG

    def lacks(self, feature: str) -> bool:
        """True if this kind declares that it does not have the feature; noted for the table."""
        if self.features.get(feature, "unsupported") == "unsupported":
            self.says_no()
            return True
        return False

    def says_no(self) -> None:
        """Let the table of the contract say "unsupported"."""
        self._note("unsupported")

    @property
    def server(self) -> Any:
        """The server, which a test may kill and start again."""
        return self._servers[self.engine]

    def name(self) -> str:
        """Return a name that no other log has."""
        return f"s{next(_numbers)}-{token_hex(4)}"

    def open(self, partitions: int = 4, *, name: str = "", **more: Any) -> Any:
        """Return a log, of its own name by default."""
        log = make_log(self.kind, self.url, name or self.name(), partitions, **more)
        self._all.append(log)
        return log

    def close(self) -> None:
        """Close every log."""
        for log in self._all:
            if hasattr(log, "close"):
                log.close()


def make_log(kind: str, url: str, name: str, partitions: int, **more: Any) -> Any:
    """Return a log of this kind called `name`."""
    if kind == "memory":
        return EventStream(name, partitions, **more)
    return mqlearn.engines.KafkaStream(url, name, partitions, **more)


def member(log: Any, group: str, **options: Any) -> Any:
    """Return a new member of a group."""
    if isinstance(log, EventStream):
        return Consumer(log, group, **options)
    return log.consumer(group, **options)


def owned(reader: Any) -> list[int]:
    """Return the partitions that a member owns."""
    return sorted(reader.position if isinstance(reader, Consumer) else reader.partitions)


def append_all(log: Any, events: list[Any]) -> None:
    """Append events, many to a round trip where the log can."""
    if hasattr(log, "append_many"):
        assert log.append_many(events) == len(events)
        return
    assert all(log.append(event) for event in events)


def hold(kind: str, url: str, name: str, partitions: str, group: str, commit: str) -> None:
    """Be a member that reads, commits the offset `commit` in partition 0, and stays silent."""
    log = make_log(kind, url, name, int(partitions))
    reader, seen = member(log, group, name="victim"), 0
    while seen <= int(commit):
        seen += len(reader.poll(timeout=1.0))
    reader.commit({0: int(commit)})
    print(seen, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    hold(*sys.argv[1:])
