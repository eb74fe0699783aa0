"""Errors between us and an engine.

EngineError          the server is missing, down, refuses us, or has other settings
    Unsupported      the engine has no such feature
"""

from __future__ import annotations


class EngineError(RuntimeError):
    """An engine cannot do what was asked; the text names the engine, the setting and the value."""


class Unsupported(EngineError):
    """The engine has no such feature, and its adapter does not imitate it."""
