"""The same seed gives the same trace, in any process: same events, same order, same times to the
last bit.
"""

import os
import subprocess
import sys

import pytest

from tests.house.source import ROOT
from tests.runtime.reference import digest, rough_day

# What `python -m tests.runtime.reference` says; written anew when what happens is meant to have
# changed.
COMMITTED = [
    "a rough day: 3600 2e088be9c834b804a267c2cb",
    "failing work: 6208 5a061d3999bf7a59cfbfddf8",
]


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_another_process_with_another_hash_seed_records_the_same(hash_seed: str) -> None:
    """A fresh interpreter agrees with the digests that are committed here, and so with every other
    one.
    """
    shown = subprocess.run(
        [sys.executable, "-m", "tests.runtime.reference"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        timeout=60,
        check=True,
    ).stdout
    assert shown.splitlines() == COMMITTED


def test_the_reference_run_has_nearly_everything_in_it() -> None:
    """All kinds of records but those of other policies, more than one of each: the digest stands
    for something.
    """
    trace = rough_day()
    seen = {record.event for record in trace.records}
    assert seen >= {
        "sent",
        "scheduled",
        "due",
        "received",
        "acked",
        "delayed",
        "lease_lost",
        "released",
        "postponed",
        "dead",
        "expired",
        "redriven",
        "purged",
        "stale",
        "extended",
        "started",
        "finished",
    }
    assert {str(record.detail) for record in trace.records if record.event == "finished"} >= {
        "crashed",
        "completed",
    }
    assert digest(rough_day(seed=1)) != digest(trace)
