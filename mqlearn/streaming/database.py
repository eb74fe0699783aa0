"""The SQLite file behind a durable stream or an order table, opened once in each process."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.handed_in import readable


class Database(sqlite3.Connection):
    """A connection that says why it is closed. `path` is its file, ":memory:" without one, `kind`
    the class of its owner, and `process` the number of the process that opened it.
    """

    path: str = ":memory:"
    kind: str = ""
    process: int = 0
    closed_because: str = ""

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        """Execute an SQL statement. Raises sqlite3.ProgrammingError if the connection is closed, or
        was opened by the process that this one is a fork of.
        """
        if self.closed_because:
            raise sqlite3.ProgrammingError(f"{self.path} is closed: {self.closed_because}")
        if os.getpid() != self.process:
            # two processes with one connection would overwrite each other's pages
            raise sqlite3.ProgrammingError(
                f"{self.path} was opened before this process was forked: open it again here, when "
                "the other process has closed it"
            )
        return super().execute(*statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements of the `with` block when it ends, or none of them."""
        # IMMEDIATE takes the database's write lock now: without it, the first write in the middle
        # of the block could fail because another connection has the lock
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        # also KeyboardInterrupt, and the end of a simulated task: half a transaction must never
        # stay, nor one whose commit the disk refused
        except BaseException:
            # none is left if the connection was closed, or if SQLite itself has rolled it back
            if not self.closed_because and self.in_transaction:
                self.execute("ROLLBACK")
            raise

    def shut(self, because: str) -> None:
        """Close it; what is still tried on it is refused with this reason."""
        self.closed_because = self.closed_because or because
        self.close()

    def close(self) -> None:
        """Close it, unless it is the connection of the process that this one is a fork of."""
        if os.getpid() == self.process:
            super().close()


_open: weakref.WeakValueDictionary[str, Database] = weakref.WeakValueDictionary()
_open_lock = threading.Lock()


def opened(path: str | Path) -> Database | None:
    """Return the connection that this process has to the file at `path`; None if it has none."""
    check.instance("path", path, (str, Path))
    with _open_lock:
        database = _open.get(_file(path))
        return database if database is not None and _is_live(database) else None


def _is_live(database: Database) -> bool:
    return not database.closed_because and database.process == os.getpid()


def _file(path: str | Path) -> str:
    return ":memory:" if str(path) == ":memory:" else str(Path(path).resolve())


def connect(path: str | Path, owner: object) -> Database:
    """Open the SQLite database in the file at `path` (":memory:": without a file), so that a commit
    returns only when it is on the disk.

    It is closed at the latest when its `owner` is garbage collected, and if the same process opens
    the file again, as when a notebook's cell is run twice: the newer one has it from then on, and
    the older one refuses all writes.

    With `synchronous=FULL` a commit in the write-ahead log is synced before it returns: it then
    survives a crash of the process, and also a power failure if the disk really writes its cache
    when told to. With NORMAL, a power failure may undo the last commits. Source: sqlite.org, PRAGMA
    synchronous.

    Raises sqlite3.OperationalError, with the file's name, if it cannot be opened, also if another
    process has it open or an owner of another class in this one: only one at a time can.
    """
    check.instance("path", path, (str, Path))
    file, kind = _file(path), type(owner).__name__
    with _open_lock:
        former = _open.get(file)
        if former is not None and _is_live(former):
            if former.kind != kind:
                raise sqlite3.OperationalError(
                    f"path must not be open elsewhere, but {file} is open as {former.kind} in this "
                    "process: close() that first"
                )
            former.shut("this process has opened the file again; use the newer object")
        # isolation_level=None: Python opens no transactions by itself, so each INSERT is committed
        # at once. The stream's lock takes the place of the check for the same thread.
        try:
            database = sqlite3.connect(
                path, isolation_level=None, timeout=0, check_same_thread=False, factory=Database
            )
        except sqlite3.Error as error:
            raise type(error)(
                f"path must be a file that can be opened, got {readable(file)} ({error})"
            ) from (error)
        database.path, database.kind, database.process = file, kind, os.getpid()
        # so that a stream which is never closed does not leave its file locked
        weakref.finalize(owner, database.close)
        try:
            for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
                database.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            database.close()
            if "locked" in str(error):
                raise sqlite3.OperationalError(
                    f"path must not be open elsewhere, but another process has {file} open "
                    f"({error}): close it there, or end that process"
                ) from error
            raise type(error)(
                f"path must be an SQLite file, got {readable(file)} ({error})"
            ) from error
        if file != ":memory:":
            _open[file] = database
        return database


def to_json(name: str, value: Any) -> str:
    """Return a value as JSON, numbers of numpy as numbers. Raises TypeError, with the `name`, for
    one that would be different after writing and reading it.
    """
    try:
        text = json.dumps(value, default=_pythons_own)
        # a tuple would come back as a list, and an integer key as text: refused now, not found
        # later
        same = bool(json.loads(text) == value)
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise TypeError(f"{name} must be what JSON can hold, got {check.short_repr(value)}")
    return text


def _pythons_own(value: Any) -> Any:
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError
