"""What holds for all tests."""

from __future__ import annotations

import pytest

# These run the package over and over, for minutes under a tracer, and reach no line that others do not reach.
UNTRACED = {"test_same_arrivals.py", "test_accuracy.py", "test_runs.py", "test_bench.py", "test_unit01.py",
            "test_unit02.py", "test_unit03.py", "test_unit04.py", "test_choosing.py", "test_machine.py",
            "test_memory.py", "test_live.py", "test_mutants.py", "test_breaker_days.py", "test_batch_days.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long runs out of the coverage report."""
    for item in items:
        if item.path.name in UNTRACED:
            item.add_marker("no_cover")
