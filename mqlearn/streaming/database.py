"""The SQLite file behind a durable stream or an order table, opened once in each process."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from pathlib import Path
from typing import Any

from mqlearn.runtime import check


class Database(sqlite3.Connection):
    """A connection that says why it is closed. `path` is its file, ":memory:" without one."""

    path: str = ":memory:"
    closed_because: str = ""

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        """Execute an SQL statement. Raises sqlite3.ProgrammingError if the connection is closed."""
        if self.closed_because:
            raise sqlite3.ProgrammingError(f"{self.path} is closed: {self.closed_because}")
        return super().execute(*statement)

    def shut(self, because: str) -> None:
        """Close it; what is still tried on it is refused with this reason."""
        self.closed_because = self.closed_because or because
        self.close()


_open: weakref.WeakValueDictionary[str, Database] = weakref.WeakValueDictionary()
_open_lock = threading.Lock()


def opened(path: str | Path) -> Database | None:
    """Return the connection that this process has to the file at `path`; None if it has none."""
    check.instance("path", path, (str, Path))
    with _open_lock:
        database = _open.get(_file(path))
        return None if database is None or database.closed_because else database


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

    Raises sqlite3.OperationalError, with the file's name, if another process has it open: only one
    at a time can.
    """
    check.instance("path", path, (str, Path))
    file = _file(path)
    with _open_lock:
        former = _open.pop(file, None)
        if former is not None:
            former.shut("this process has opened the file again; use the newer object")
        # isolation_level=None: Python opens no transactions by itself, so each INSERT is committed
        # at once. The stream's lock takes the place of the check for the same thread.
        database = sqlite3.connect(
            path, isolation_level=None, timeout=0, check_same_thread=False, factory=Database
        )
        database.path = file
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
            raise
        if file != ":memory:":
            _open[file] = database
        return database
