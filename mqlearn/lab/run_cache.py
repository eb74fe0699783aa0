"""The latest runs of a lab, kept so that a slider that is moved back needs no new simulation."""

from typing import Any

from mqlearn.lab.chart_data import ChartData

MOST_RUNS = 16  # enough for a slider that is moved back and forth over a few of its steps
MOST_RECORDS = 500_000  # of all runs together: at about 300 bytes each, 150 MB with their tables


class RunCache:
    """Runs by scenario and seed, with their chart data; the least recently used are dropped first.

    The same settings and seed give the same run, so dropping one costs only time: up to a second
    for the simulation, and as much for its tables. It holds at most `most_runs` runs with at most
    `most_records` records in all; the newest is kept even if it alone has more.
    """

    def __init__(self, most_runs: int = MOST_RUNS, most_records: int = MOST_RECORDS) -> None:
        self.most_runs, self.most_records = most_runs, most_records
        self._runs: dict[tuple[Any, int], ChartData] = {}  # least recently used first

    def get(self, scenario: Any, seed: int) -> ChartData:
        """Return the data of this run, and simulate it if it is not in the cache. An exception of
        the run is not caught.
        """
        data = self._runs.pop((scenario, seed), None) or ChartData.of(scenario.run(seed))
        # taken out and put back: a dict keeps the order of insertion, so this one is now the newest
        self._runs[scenario, seed] = data
        while len(self._runs) > 1 and self._is_full():
            # the first key of the dict is the least recently used
            del self._runs[next(iter(self._runs))]
        return data

    def _is_full(self) -> bool:
        records = sum(len(data.records) for data in self._runs.values())
        return len(self._runs) > self.most_runs or records > self.most_records

    def __len__(self) -> int:
        return len(self._runs)
