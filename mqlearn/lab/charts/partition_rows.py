"""A chart over time with one row per partition."""

from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Timeline

MOST = 8  # partitions whose numbers are written


class PartitionRows(Timeline):
    """A chart over time with a row for each partition, partition 0 on top."""

    def fit_rows(self, run: ChartData, ghost: ChartData | None) -> int:
        """Fit both axes to the run, and return its number of partitions."""
        self.fit_time(run, ghost)
        count = max(run.group.log.partitions, default=0) + 1
        if self.ax.get_ylim() != (count, 0):
            self.ax.set_ylim(count, 0)
        self.y_ticks.show([(p + 0.5, str(p)) for p in range(min(count, MOST))])
        return count
