"""The errors of engines.

RuntimeError
    EngineError     the server is down, refuses, or has other settings; nothing was lost
        Unsupported a feature that the engine does not have was asked for
"""

from __future__ import annotations


class EngineError(RuntimeError):
    """Raised if a genuine engine cannot do what was asked. The text names the engine, what was
    asked, and the setting and its value if one is to blame.
    """


class Unsupported(EngineError):
    """Raised if a feature is asked for that the engine does not have; the text says what it offers
    instead.
    """
