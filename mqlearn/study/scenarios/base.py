"""What a parameter of a scenario says of itself, so that a lab can build its panel from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, fields
from typing import Any

from mqlearn.runtime import check


def param(default: Any, *, unit: str = "", low: float = 0, high: float = 1, step: float = 1, group: str = "load",
          help: str = "",  # noqa: A002 - the word the lab shows
          choices: Iterable[str] | None = None) -> Any:
    """A field with its unit, range, group ("load", "workers", "failures", "policy") and a sentence of help."""
    about = {"unit": unit, "low": low, "high": high, "step": step, "group": group, "help": help}
    if choices is not None:
        about["choices"] = tuple(choices)
    return field(default=default, metadata=about)


def validate(scenario: Any) -> None:
    """Refuse a field outside its range, with an error naming the field, the rule and the value."""
    for item in fields(scenario):
        value, about = getattr(scenario, item.name), item.metadata
        if "choices" in about:
            check.one_of(item.name, value, about["choices"])
        elif isinstance(item.default, int) and not isinstance(item.default, bool):
            check.whole(item.name, value, low=int(about["low"]), high=int(about["high"]))
        else:
            check.number(item.name, value, low=about["low"], high=about["high"], optional=item.default is None)
