"""The system's Chromium: where it is, how it is started, and what happens where there is none."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED = "MQLEARN_REQUIRE_BROWSER"

# No sandbox, because root may run the tests; no background traffic, because nothing outside is to
# be reached.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str:
    """The path of a Chromium; without one, skip the test, or fail it where a browser is
    required.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    reason = f"no Chromium on PATH (looked for {', '.join(NAMES)})"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason}, and {REQUIRED}=1 requires one", pytrace=False)
    pytest.skip(reason)
