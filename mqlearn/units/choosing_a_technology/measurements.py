"""The recorded measurements: how many messages per second each engine sent and received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mqlearn.study.data_files import data_file

if TYPE_CHECKING:
    import pandas as pd

RECORDED: Final = "engines.csv"
COLUMNS: Final = (
    "date",
    "machine",
    "engine",
    "version",
    "durability",
    "mode",
    "operation",
    "body_bytes",
    "messages",
    "round",
    "seconds",
    "per_second",
    "in_memory_per_second",
    "ratio",
)


def measured() -> pd.DataFrame:
    """Return the recorded measurements of notebooks/data/engines.csv, a row for each round.

    `mode` is "batched" or "one by one", `operation` "send" or "receive" (with the ack). `seconds`
    are those of all `messages` of a round, `per_second` is their quotient; `ratio` is the number
    of the in-memory queue in the same round, `in_memory_per_second`, divided by it.

    Raises FileNotFoundError where there is no such file, and ValueError if a column is missing.
    """
    import pandas as pd

    # A version is no number (4.10 comes after 4.9), and "none" is a setting of durability.
    table = pd.read_csv(data_file(RECORDED), dtype={"version": str}, keep_default_na=False)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise ValueError(
            f"{RECORDED} must have the columns {', '.join(COLUMNS)}, got no {', '.join(missing)}"
        )
    return table
