"""The claims of the lab of unit 14, each counted again from the table of suitability."""

from functools import lru_cache

import numpy as np

from mqlearn.runtime.simulation import Simulation
from mqlearn.study.run import Run
from mqlearn.study.words import format_number, format_share
from mqlearn.units.choosing_a_technology.choice import NAMES
from mqlearn.units.choosing_a_technology.suitability import TABLE
from tests.units.verdicts import claim, number
from tests.units.words_05_06 import N, Said

SCENARIOS = ("EngineChoice",)
NAME = f"({'|'.join(NAMES.values())})"
END = r"(?=$| known_by_team changes| You said)"  # of what speaks against the first engine
ENGINE = {name: engine for engine, name in NAMES.items()}


def asked(run: Run) -> dict[str, float]:
    """Return the weights above 0 that can be asked for."""
    team = "known_by_team" if run.scenario.known == "none" else ""
    return {need: w for need, w in run.scenario.weights.items() if w > 0 and need != team}


def points(run: Run, engine: str, need: str) -> int:
    """Return the points of a cell; both halves of one server are known together."""
    if need == "known_by_team":
        return 3 * (run.scenario.known.removesuffix("_pubsub") == engine.removesuffix("_pubsub"))
    return TABLE[engine][need].points


def sentence(run: Run, engine: str, need: str) -> str:
    """Return what is said of a cell."""
    if need == "known_by_team":
        runs = points(run, engine, need)
        return "your team runs it already" if runs else "your team does not run it yet"
    return TABLE[engine][need].says


def score(run: Run, engine: str) -> float:
    """Return an engine's points of 100."""
    weights = asked(run)
    got = sum(w * points(run, engine, need) for need, w in weights.items())
    return 100 * got / (3 * sum(weights.values())) if weights else 0.0


def missing(run: Run, engine: str) -> list[str]:
    """Return the musts that an engine lacks."""
    return [need for need, w in asked(run).items() if w == 3 and not points(run, engine, need)]


def in_play(run: Run) -> list[str]:
    """Return the engines that lack no must, or all if each lacks one."""
    return [engine for engine in TABLE if not missing(run, engine)] or list(TABLE)


def is_first(run: Run, name: str, said: str) -> bool:
    """Return True if no engine in play has more points, and these are its points."""
    best = max(score(run, engine) for engine in in_play(run))
    mine = score(run, ENGINE[name])
    return ENGINE[name] in in_play(run) and abs(best - mine) < 1e-9 and said == f"{mine:.0f}"


def lead(run: Run, engine: str, need: str) -> float:
    """Return how far an engine is ahead of the mean of the others in play."""
    others = [points(run, other, need) for other in in_play(run) if other != engine]
    return float(asked(run)[need] * (points(run, engine, need) - np.mean(others or [0])))


def decided(run: Run, name: str, reasons: str | None, against: str) -> bool:
    """Return True if these are the sentences of the two needs with the largest leads; the one that
    speaks against it is left out.
    """
    engine = ENGINE[name]
    able = {
        need: lead(run, engine, need)
        for need in asked(run)
        if points(run, engine, need) > 1 and sentence(run, engine, need) != against
    }
    said = reasons.split("; ") if reasons else []
    found = [need for need in able if sentence(run, engine, need) in said]
    rest = [able[need] for need in able if need not in found]
    return len(found) == len(said) == min(2, len(able)) and all(
        able[need] >= other - 1e-9 for need in found for other in rest
    )


def loses_most(run: Run, name: str, against: str, *, among: str) -> bool:
    """Return True if no need costs the engine more than the one with this sentence."""
    engine, weights = ENGINE[name], asked(run)
    if among == "Not asked for, but against it":
        if any(points(run, engine, need) < 3 for need in weights):
            return False
        weights = {need: 1.0 for need in TABLE[engine] if need not in weights}
    lost = {need: w * (3 - points(run, engine, need)) for need, w in weights.items()}
    (need,) = (need for need in lost if sentence(run, engine, need) == against)
    return lost[need] == max(lost.values())


@claim(
    rf"^{NAME} is first, {N} of 100(?:: (.+?))?\. (Against it|Not asked for, but against it): "
    rf"(.+?)\.{END}",
    "EngineChoice",
)
def _(run: Run, said: Said) -> bool:
    name, points_said, reasons, among, against = said.groups()
    level = [e for e in in_play(run) if abs(score(run, e) - score(run, ENGINE[name])) < 1e-9]
    return (
        is_first(run, name, points_said)
        and len(level) == 1
        and decided(run, name, reasons, against)
        and loses_most(run, name, against, among=among)
    )


@claim(
    rf"^{NAME} and {NAME} are level, {N} of 100\. {NAME}(?:: (.+?))?\. (Against it|Not asked for, "
    rf"but against it): (.+?)\.{END}",
    "EngineChoice",
)
def _(run: Run, said: Said) -> bool:
    one, other, points_said, name, reasons, among, against = said.groups()
    return (
        is_first(run, one, points_said)
        and is_first(run, other, points_said)
        and name == one
        and decided(run, name, reasons, against)
        and loses_most(run, name, against, among=among)
    )


@claim(
    rf"^No engine has all the musts\. {NAME} has most points, {N} of 100(?:: (.+?))?\. But it is "
    rf"ruled out: (.+?)\.{END}",
    "EngineChoice",
)
def _(run: Run, said: Said) -> bool:
    name, points_said, reasons, against = said.groups()
    lacks = [sentence(run, ENGINE[name], need) for need in missing(run, ENGINE[name])]
    return (
        all(missing(run, engine) for engine in TABLE)
        and is_first(run, name, points_said)
        and decided(run, name, reasons, against)
        and against in lacks
    )


@claim(rf"No engine has all the musts; {NAME} has {N} points of 100", "EngineChoice")
def _(run: Run, said: Said) -> bool:
    return all(missing(run, engine) for engine in TABLE) and is_first(run, said[1], said[2])


@claim(r"known_by_team changes nothing while known is none\.", "EngineChoice")
def _(run: Run, said: Said) -> bool:
    return run.scenario.known_by_team > 0 and "known_by_team" not in asked(run)


@claim(r"Nothing is asked for(?:, so every engine will do)?", "EngineChoice")
def _(run: Run, said: Said) -> bool:
    return not asked(run)


@claim(rf"^{NAME} {N}(?:, {NAME} {N})? of 100", "EngineChoice")
def _(run: Run, said: Said) -> bool:
    first, most, second, then = said.groups()
    rest = sorted(score(run, e) for e in in_play(run) if e != ENGINE[first])
    if second is None:
        return is_first(run, first, most) and not rest
    near = abs(score(run, ENGINE[second]) - rest[-1]) < 1e-9
    return is_first(run, first, most) and near and then == f"{rest[-1]:.0f}"


@claim(
    rf"first in ((?:over |under )?\d+%) of {N} rankings with weights off by up to {N}",
    "EngineChoice",
)
def _(run: Run, said: Said) -> bool:
    share = stays_first(run.scenario, run.seed)
    off = format_number(run.scenario.doubt)
    return said.groups() == (format_share(share), "500", off) and number(off) > 0


@lru_cache(maxsize=4)
def stays_first(scenario: object, seed: int) -> float:
    """Return the share of 500 draws of the weights in which the first engine stays first."""
    run = scenario.run(seed)  # type: ignore[attr-defined]
    weights, engines = asked(run), in_play(run)
    with Simulation(seed) as sim:
        draws = np.array([[sim.draw(need, i) for need in weights] for i in range(500)])
    moved = np.clip(np.array([*weights.values()]) + run.scenario.doubt * (2 * draws - 1), 0, 3)
    table = np.array([[points(run, engine, need) for need in weights] for engine in engines])
    first = max(engines, key=lambda engine: round(score(run, engine), 9))
    scores = np.round(moved @ table.T, 9)
    return float((scores.argmax(axis=1) == engines.index(first)).mean())


@claim(rf"Ranking: {NAME} {N}(?=, )", "EngineChoice")
def _(run: Run, said: Said) -> bool:
    return is_first(run, said[1], said[2])
