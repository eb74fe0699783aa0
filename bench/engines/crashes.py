"""A server is killed, or its power fails, while a client is sending: what was confirmed, and what
is there afterwards?

`kill -9` ends the process, and the kernel still writes what it was given. A power cut takes the
kernel's memory as well. It is made on a disk of its own, an image on a loop device: the server is
stopped in the middle of it all, the image is copied from beneath the file system, which has not
written everything yet, and the server is started again on the copy. That needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.engines.candidates import Candidate, version
from bench.engines.throughput import BATCH, Row, message
from mqlearn.engines.servers import LocalServer

SENDING = 3.0  # seconds
QUIET = 5.0  # seconds without a message after which all that is there has been found
PART = 20  # messages of one send
DISK_MB = 3000


class Sender:
    """A client that sends until it is told to stop, and notes what was confirmed before."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.confirmed: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, name="sender")
        self._thread.start()

    def _send(self) -> None:
        number = 0
        while not self._stop.is_set():
            part = [message(number + each) for each in range(PART)]
            number += PART
            accepted = self.queue.send_many(part)
            # what the server confirms after its end is no part of the question
            if accepted == PART and not self._stop.is_set():
                self.confirmed += [each.id for each in part]

    def send_for(self, seconds: float) -> None:
        """Let it send for some seconds, then let it end with the part that it is at."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        """Count nothing from now on."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the end of its last send, which may need the server again."""
        self._thread.join()


def found_in(queue: Any) -> Counter[str]:
    """Return how often each message is in a queue, which this empties."""
    found: Counter[str] = Counter()
    while got := queue.receive_many(BATCH, timeout=QUIET):
        found.update(each.id for each in got)
        queue.ack_many(got)
    return found


def killed(candidate: Candidate, about: Row) -> Row:
    """Kill the server with signal 9 while a client sends, start it again, and count."""
    with candidate.started() as (server, queue):
        known = version(candidate.server, queue)
        sender = Sender(queue)
        sender.send_for(SENDING)
        sender.stop()
        server.kill()
        server.start()
        sender.join()
        return _row(candidate, about, "kill -9", known, sender, found_in(queue))


def power_cut(candidate: Candidate, about: Row) -> Row:
    """Cut the server's power while a client sends, start it again on what its disk has, and count.

    Raises RuntimeError, saying why, where no disk can be made.
    """
    with loop_disk() as disk:
        with candidate.started(disk.folder / "data") as (server, queue):
            _prepare_topic(candidate, queue)
            known = version(candidate.server, queue)
            disk.sync()
            sender = Sender(queue)
            sender.send_for(SENDING)
            with stopped(server):
                sender.stop()
                copy = disk.copy()
            server.kill()
            disk.replace(copy)
            server.start()
            sender.join()
            found = found_in(queue)
        return _row(candidate, about, "power cut", known, sender, found)


def _prepare_topic(candidate: Candidate, queue: Any) -> None:
    """Let Kafka sync each message, if that is what is measured."""
    if "flush.messages" not in candidate.durability:
        return
    from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

    admin = AdminClient({"bootstrap.servers": queue.url.removeprefix("kafka://"), "log_level": 0})
    setting = ConfigEntry("flush.messages", "1", incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(
        ConfigResource.Type.TOPIC, queue.stored_as, incremental_configs=[setting]
    )
    for done in admin.incremental_alter_configs([topic]).values():
        done.result()


def _row(
    candidate: Candidate,
    about: Row,
    what: str,
    known: str,
    sender: Sender,
    found: Counter[str],
) -> Row:
    return {
        **about,
        "engine": candidate.engine,
        "version": known,
        "durability": candidate.durability,
        "event": what,
        "confirmed": len(sender.confirmed),
        "found": sum(each in found for each in sender.confirmed),
        "lost": sum(each not in found for each in sender.confirmed),
        "twice": sum(count > 1 for count in found.values()),
    }


class Disk:
    """A disk in a file, mounted at `folder`."""

    def __init__(self, home: Path) -> None:
        self._home, self._image, self.folder = home, home / "disk.img", home / "disk"

    def make(self) -> None:
        """Make and mount it. Raises RuntimeError where that is not possible."""
        if os.geteuid() != 0:
            raise RuntimeError("a power cut needs root, to mount a disk of its own")
        self.folder.mkdir()
        run("truncate", "-s", f"{DISK_MB}M", self._image)
        run("mkfs.ext4", "-q", self._image)
        self._mount()

    def _mount(self) -> None:
        run("mount", "-o", "loop", self._image, self.folder)

    def sync(self) -> None:
        """Write everything to the disk: what follows is the experiment."""
        run("sync", "-f", self.folder)

    def copy(self) -> Path:
        """Return a copy of the disk as it is now, without what only the kernel's memory has."""
        copied = self._home / "copy.img"
        run("cp", "--sparse=always", self._image, copied)
        return copied

    def replace(self, copy: Path) -> None:
        """Mount a copy in place of the disk."""
        self.unmount()
        copy.replace(self._image)
        self._mount()

    def unmount(self) -> None:
        """Take the disk away."""
        run("umount", self.folder)


@contextmanager
def loop_disk() -> Iterator[Disk]:
    """Make a disk, and remove it at the end."""
    home = Path(tempfile.mkdtemp(prefix="mqlearn-disk-"))
    disk = Disk(home)
    try:
        disk.make()
        try:
            yield disk
        finally:
            disk.unmount()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def stopped(server: LocalServer) -> Iterator[None]:
    """Let no process of a server run in the `with` block."""
    assert server.pid is not None
    root = psutil.Process(server.pid)
    tree = [root, *root.children(recursive=True)]
    for each in tree:
        each.suspend()
    yield


def run(*command: str | Path) -> None:
    """Run a command; raise RuntimeError with what it says if it fails."""
    try:
        subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not installed here") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{command[0]} failed: {error.stderr.strip()}") from error


Crash = Callable[[Candidate, Row], Row]
