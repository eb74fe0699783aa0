"""Another process with a queue of the contract, which does one of three things.

hold      receive one message, say its id, and keep it
send N    send N messages
work      say and ack what comes, until nothing has come for 1 s
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mqlearn import Message
from tests.engines.queues import KINDS

ROOT = Path(__file__).parents[2]


def main(kind: str, url: str, name: str, lease: str, retries: str, what: str) -> None:
    """Open the queue and do `what`, telling each step on a line of the output."""
    settings: dict[str, Any] = {"visibility_timeout": float(lease), "max_retries": int(retries)}
    queue = KINDS[kind].make(url, name, **settings)
    print("ready", flush=True)
    if what == "hold":
        print(queue.receive(timeout=60).id, flush=True)
        sys.stdin.readline()
    elif what.startswith("send "):
        for number in range(int(what.split()[1])):
            assert queue.send(Message(id=f"other-{number}", max_retries=int(retries)))
        print("sent", flush=True)
    else:
        while (message := queue.receive(timeout=1.0)) is not None:
            print(message.id if queue.ack(message) else "not current", flush=True)
    if hasattr(queue, "close"):
        queue.close()


class Other:
    """A process that does something with a queue."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        """Return the next line that it says; "" at its end."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def lines(self) -> list[str]:
        """Return all lines that it says until it ends."""
        lines = []
        while line := self.line():
            lines.append(line)
        assert self._process.wait(60) == 0
        return lines

    def kill(self) -> None:
        """End it with signal 9: it cannot say goodbye to the engine."""
        self._process.kill()
        self._process.wait(60)


@contextmanager
def other_module(module: str, *told: str) -> Iterator[Other]:
    """Run a module in another process, and end that with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *told],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        other = Other(process)
        try:
            yield other
        finally:
            other.kill()


@contextmanager
def other_process(
    kind: str, url: str, name: str, what: str, *, lease: float = 30.0, retries: int = 3
) -> Iterator[Other]:
    """Start another process that does `what` with a queue, and end it with the block."""
    told = [kind, url, name, str(lease), str(retries), what]
    with other_module(__spec__.name, *told) as other:
        assert other.line() == "ready"
        yield other


if __name__ == "__main__":
    main(*sys.argv[1:])
