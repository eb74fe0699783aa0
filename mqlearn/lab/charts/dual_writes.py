"""The chart "dual_writes": changes without an event, and changes with several."""

from mqlearn.lab import style
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.repeats import Repeats


class DualWrites(Repeats):
    """Changes that have no event, and changes that have several, counted up over time.

    The first were saved and never published; the second were published under several event ids. A
    prediction is of the sum of both.
    """

    name = "dual_writes"
    needs = ("occurred",)
    counted, words = "changes that have several events, and none, so far", ("several", "none")

    def found(self, run: ChartData) -> tuple[list[float], list[float]]:
        return run.history.again, run.history.silent

    def measured(self, run: ChartData) -> float:
        return float(sum(map(len, self.found(run))))

    def sentence(self, run: ChartData) -> str:
        again, silent = map(len, self.found(run))
        changes = style.count(len(run.history.changes), "change")
        none = f"{silent:,} {'has' if silent == 1 else 'have'} no event"
        several = f"{again:,} {'has' if again == 1 else 'have'} several"
        return f"Dual writes: of {changes} {none}, {several}."
