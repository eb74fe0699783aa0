"""Charts of tables instead of records: a ranking, a measurement, a list of features."""

from abc import abstractmethod
from typing import Any, ClassVar

from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Chart, Predictions


class TableChart(Chart):
    """A chart of the table that a run's context has under the chart's name.

    A run without such a table is shown empty, with a line that says so.
    """

    full_row = True
    needs = ()
    shown_alone: ClassVar[bool] = True  # `show` takes its table, a DataFrame, without a run
    columns: ClassVar[tuple[str, ...]] = ()  # without these the table cannot be drawn

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        table = run.table(self.name)
        self.draw_table(table, None if ghost is None else ghost.table(self.name), run, predictions)

    def sentence(self, run: ChartData) -> str:
        table = run.table(self.name)
        return f"{self.name.title()}: no table." if table is None else self.describe(table)

    @abstractmethod
    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:
        """Update the artists to show `table`, and `was`, the baseline's; both may be None."""

    @abstractmethod
    def describe(self, table: Any) -> str:
        """Return the table in words and numbers."""

    @classmethod
    def check(cls, table: Any) -> None:
        """Raise ValueError for a table that cannot be drawn."""
        missing = [column for column in cls.columns if column not in table.columns]
        if missing:
            raise ValueError(
                f"run must have the columns {', '.join(cls.columns)}, got no {', '.join(missing)}"
            )

    @classmethod
    def title(cls, table: Any) -> str:  # noqa: ARG003 -- of a chart that is never shown alone
        """Return the message of the table, for the title of a picture of its own."""
        return ""
