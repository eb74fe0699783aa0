"""What tests of messaging ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mqlearn import Simulation


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A simulation that is closed in the end."""
    with Simulation() as simulation:
        yield simulation
