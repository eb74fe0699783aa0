"""A small table of measurements, of the columns of notebooks/data/engines.csv."""

import pandas as pd

COLUMNS = (
    "date", "machine", "engine", "version", "durability", "mode", "operation", "body_bytes",
    "messages", "round", "seconds", "per_second", "in_memory_per_second", "ratio",
)  # fmt: skip
# Messages per second: batched send and receive, one by one send and receive.
RATES = {
    "redis": (40_000, 30_000, 6_000, 2_500),
    "kafka_log": (60_000, 80_000, 300, 800),
    "kafka": (50_000, 40_000, 1_000, 100),
    "sqs": (800, 900, 150, 100),
}


def recording() -> pd.DataFrame:
    """Three rounds of each engine, mode and operation: a slower, the middle one, a faster one."""
    kinds = [(mode, op) for mode in ("batched", "one by one") for op in ("send", "receive")]
    rows = [
        ("2026-11-30", "2 cores", engine, "1.0", "none", mode, operation, 1024, 1000, number,
         1000 / (rate * share), rate * share, 100_000, 100_000 / (rate * share))
        for engine, rates in RATES.items()
        for (mode, operation), rate in zip(kinds, rates, strict=True)
        for number, share in enumerate((0.8, 1.0, 1.25), 1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
