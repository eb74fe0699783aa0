"""What a lab says, held against its run: the settings to try, and the claims that must be true.

A claim is a pattern with a check. Each place of a verdict, headline or chart sentence that matches
the pattern is handed to the check with the run. Of a verdict and a headline no number and no
checking word (`WORDS`) may be left that lies in no claim, except numbers that are a total, a
setting or a value of theory: so a new word has to be told here before it can be said. Numbers are
written in one way everywhere (`BADLY_WRITTEN`).

    @claim(r"keeps? up", "WorkQueue")
    def _(run, said):
        return not run.totals["refused"]
"""

import dataclasses
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario
from mqlearn.study.words import format_number, format_share

WORDS = re.compile(
    r"\b(keep(s|ing)? up|up to date|nothing|none|nobody|no one|never|all|every|everything|always"
    r"|grows?|grew|full|only|load|still|at most|at least|up to|most|best|worst|alone"
    r"|no (?!confirm)\w+)\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])")
# exponents, -0, nan, 1000.0, 1000, "1 orders"
BADLY_WRITTEN = re.compile(
    r"\de[-+]?\d|(?<!\d)-0\b|\bnan\b|\binf\b|\d\.0\b(?! s)|(?<![\d.])\d{4}"
    r"|(?<![\d.,])1 (?!(?:of|ms|is|was|has|waits|comes)\b)[a-z]+s\b"
)
Check = Callable[[Run, "re.Match[str]"], bool]
_CLAIMS: list[tuple[tuple[str, ...], "re.Pattern[str]", Check]] = []


def claim(pattern: str, *names: str) -> Callable[[Check], Check]:
    """Register a check of what matches `pattern` in the sentences of these scenarios (none: of
    all).
    """

    def register(check: Check) -> Check:
        _CLAIMS.append((names, re.compile(pattern), check))
        return check

    return register


def number(text: str) -> float:
    """Return the number that a sentence writes: "1,204", "12.5", "about 0", "no"."""
    return 0.0 if text in ("about 0", "no", "none", "No", "None") else float(text.replace(",", ""))


def settings(kind: type[Scenario]) -> dict[str, dict[str, Any]]:
    """Return the settings to try by name: the defaults, each preset, both ends of every control,
    every choice. A pair of fields that exclude each other is left out where they do.
    """
    found: dict[str, dict[str, Any]] = {"as it begins": {}}
    found |= {f"preset {name}": dict(fields) for name, fields in kind.PRESETS.items()}  # type: ignore[attr-defined]
    controls = (f for f in dataclasses.fields(kind) if "group" in f.metadata)  # type: ignore[arg-type]
    for field in controls:
        for value in ends(field):
            if field.name != "prediction" and value != field.default:
                found[f"{field.name}={value}"] = {field.name: value}
    return {name: fields for name, fields in found.items() if _is_allowed(kind, fields)}


def ends(field: "dataclasses.Field[Any]") -> tuple[Any, ...]:
    """Return every choice of a field, or the two ends of its range in the field's own type."""
    about = field.metadata
    if "choices" in about:
        return tuple(about["choices"])
    if isinstance(field.default, bool):
        return (False, True)
    kind = int if isinstance(field.default, int) else float
    return (kind(about["low"]), kind(about["high"])) if "low" in about else ()


def _is_allowed(kind: type[Scenario], fields: dict[str, Any]) -> bool:
    try:
        kind(**fields)
    except ValueError:
        return False
    return True


def spoken(run: Run) -> Iterator[tuple[str, str]]:
    """Yield where and what a lab says of `run`: verdict, headline, and each chart's sentence."""
    yield "verdict", run.verdict
    yield "headline", run.headline
    data = ChartData(run)
    for chart in _dashboard(run.scenario.CHARTS).charts:
        yield f"chart {chart.name}", chart.sentence(data)


@lru_cache(maxsize=1)
def _dashboard(charts: tuple[str, ...]) -> Dashboard:
    return Dashboard(charts)


def lies(run: Run) -> list[str]:
    """Return what is said of `run` and is not true, or is told to no claim; one line each."""
    return [line for where, text in spoken(run) for line in _lies(run, where, text)]


def _lies(run: Run, where: str, text: str) -> Iterator[str]:
    for wrong in () if where.startswith("chart") else BADLY_WRITTEN.finditer(text):
        yield f"{where}: {wrong[0]!r} is badly written in {text!r}"
    told: list[tuple[int, int]] = []
    for names, pattern, check in _CLAIMS:
        if names and type(run.scenario).__name__ not in names:
            continue
        for said in pattern.finditer(text):
            told.append(said.span())
            if not check(run, said):
                yield f"{where}: {said[0]!r} is not true in {text!r}"
    if where.startswith("chart"):
        return
    known = _known(run)
    for found in (*NUMBER.finditer(text), *WORDS.finditer(text)):
        inside = any(a <= found.start() and found.end() <= b for a, b in told)
        if not inside and found[0].rstrip(",") not in known:
            yield f"{where}: {found[0]!r} is told to no claim in {text!r}"


def _known(run: Run) -> set[str]:
    """Return the run's totals, settings and theory as they are written."""
    values: list[Any] = [*run.totals.values(), *run.theory.values()]
    values += [getattr(run.scenario, field.name) for field in dataclasses.fields(run.scenario)]
    numbers = [v for v in values if isinstance(v, int | float)]
    return {
        text
        for value in numbers
        for text in (format_number(value), format_share(value).removesuffix("%"))
    }
