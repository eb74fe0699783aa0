"""The runs that a lab keeps: found again, and bounded in number and in records."""

from typing import Any

import pytest

from mqlearn.lab import Lab
from mqlearn.lab.run_cache import MOST_RUNS, RunCache


def test_a_slider_moved_back_finds_its_run(lab: Lab) -> None:
    """The same object, not only an equal one; another seed is another run."""
    first = lab.run
    lab.set(dying=3)
    lab.set(dying=2)
    assert lab.run is first
    lab.reroll()
    assert lab.run is not first
    lab.reset()
    assert lab.run is first


def test_only_the_latest_runs_are_kept(scenario: Any) -> None:
    """One more than there is room for drops the run that was not used for longest."""
    cache = RunCache()
    kept = [cache.get(scenario(), seed) for seed in range(MOST_RUNS)]
    assert cache.get(scenario(), 0) is kept[0]
    cache.get(scenario(), MOST_RUNS)
    assert len(cache) == MOST_RUNS and cache.get(scenario(), 0) is kept[0]
    assert cache.get(scenario(), 1) is not kept[1]


def test_the_records_of_all_runs_are_bounded(scenario: Any) -> None:
    """Runs of 30 records: two fit into 70; a single one is kept whatever it has."""
    cache = RunCache(most_records=70)
    for seed in range(5):
        cache.get(scenario(), seed)
    assert len(cache) == 2
    tiny = RunCache(most_records=10)
    assert tiny.get(scenario(), 0) is tiny.get(scenario(), 0) and len(tiny) == 1


def test_a_run_that_raises_is_not_kept(scenario: Any) -> None:
    """Its error is raised each time, and the runs before it stay."""
    cache = RunCache()
    good = cache.get(scenario(), 0)
    for _ in range(2):
        with pytest.raises(ValueError, match="pace must be positive"):
            cache.get(scenario(pace=0.0), 0)
    assert len(cache) == 1 and cache.get(scenario(), 0) is good
