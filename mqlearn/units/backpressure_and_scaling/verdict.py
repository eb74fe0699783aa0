"""The sentences about a run of unit 12."""

from __future__ import annotations

import math
from typing import Any

from mqlearn.study.analysis.goodput import DROP, OLDEST, GoodputAnalysis
from mqlearn.study.words import format_count, format_number, format_seconds, format_share


def verdict_of(
    scenario: Any, found: GoodputAnalysis, peak: int, theory: dict[str, Any]
) -> list[str]:
    """Return the sentences of the verdict: how many orders were lost and how, and what made it
    so. `peak` is the most workers at one time.
    """
    expected = f"; theory {format_number(theory['lost'])}" if "lost" in theory else ""
    verb = "was" if found.lost == 1 else "were"
    said = f"{found.lost:,} of {format_count(found.orders, 'order')} {verb} lost"
    words = [f"{said}{_how(found)}{expected}."]
    if "useful" not in theory:
        needed = math.ceil(max(level for _, level in theory["needed"]))
        words.append(f"{format_count(peak, 'worker')} at the peak; the orders need {needed}.")
    useful = theory.get("useful")
    if useful is None or scenario.policy not in (OLDEST, DROP) or not found.in_vain:
        return words
    if found.refused and scenario.limit > useful:
        words.append(
            f"The queue is useful up to {format_number(useful)} and may hold {scenario.limit:,}: "
            f"{format_share(found.vain_share)} of the work was in vain."
        )
    elif len(found.reached) >= useful:
        at = format_seconds(found.reached[max(0, math.ceil(useful) - 1)])
        words.append(f"From {format_number(useful)} waiting on, at {at}, waiting was useless.")
    return words


def headline_of(found: GoodputAnalysis) -> str:
    """Return the verdict in few words."""
    return f"{found.lost:,} of {found.orders:,} orders lost{_how(found)}"


def _how(found: GoodputAnalysis) -> str:
    """Return the ways of being lost, the most frequent first: ": 901 refused, 300 done in
    vain"; or the only one: ", all refused".
    """
    ways = {
        "done in vain": len(found.in_vain),
        "refused": len(found.refused),
        "dropped": len(found.dropped),
        "shed": len(found.expired),
        "not done yet": found.unserved,
    }
    ranked = sorted((way for way in ways if ways[way]), key=lambda way: -ways[way])
    if len(ranked) == 1:
        return f", {'all ' if found.lost > 1 else ''}{ranked[0]}"
    return f"{': ' if ranked else ''}{', '.join(f'{ways[way]:,} {way}' for way in ranked)}"
