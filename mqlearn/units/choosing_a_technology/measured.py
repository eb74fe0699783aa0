"""Measurements on genuine engines, recorded on one named machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqlearn.study.data_files import data_file

if TYPE_CHECKING:
    import pandas as pd


def measurements() -> pd.DataFrame:
    """Return the recorded throughput, with a row for each engine, mode, operation and round.

    The columns are date, machine, engine, version, durability, mode ("batched" or "one by one"),
    operation ("send" or "receive", which includes the ack), body_bytes, messages, round, seconds
    (s), per_second (messages per second), in_memory_per_second (the queue in memory, in the same
    round) and ratio (in_memory_per_second / per_second).
    """
    return _read("engines.csv")


def kills() -> pd.DataFrame:
    """Return what servers lost that were killed or lost their power while a client was sending.

    The columns are date, machine, engine, version, durability, event ("kill -9" or "power cut"),
    and the numbers of messages that were confirmed, found afterwards, lost although they were
    confirmed, and found twice.
    """
    return _read("engine_kills.csv")


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    # A version is no number (4.10 comes after 4.9), and "none" may be a setting of durability.
    return pd.read_csv(data_file(name), dtype={"version": str}, keep_default_na=False)
