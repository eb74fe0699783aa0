"""Test modules that import an engine's client, on a machine that lacks it."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from tests.house.source import CLIENTS

REQUIRED = "MQLEARN_REQUIRE_ENGINES"


class ClientModule(pytest.Module):
    """A test module that is skipped, with the reason, where an engine's client is not installed.

    It fails, as any module that cannot be imported, if anything else is missing, or if
    MQLEARN_REQUIRE_ENGINES asks for the engines.
    """

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Collect the tests of the module; raises Skipped if a client is missing."""
        try:
            return list(super().collect())
        except self.CollectError as error:
            missing = error.__cause__
            if os.environ.get(REQUIRED) or not isinstance(missing, ModuleNotFoundError):
                raise
            if missing.name not in CLIENTS:
                raise
            reason = f"{missing.name} is not installed: `make engines`"
        pytest.skip(reason, allow_module_level=True)
