"""What the command lines of the tests have in common."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    """Return a number of things to do, 1 or more: doing none would find nothing wrong."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, got {text[:40]!r}")
    return number
