"""The chart "measured": messages per second of each engine, in batches and one by one."""

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Ticks
from mqlearn.lab.charts.tables import TableChart

MOST = 8  # rows
NAMES, FOOT, HEAD = 128, 19, 36  # pixels: names at the left, the axis' numbers, the legend
RIGHT = 106  # pixels, for the numbers
BATCHED, SINGLE = "batched", "one by one"
SEND, RECEIVE = "send", "receive"
LABELS = {
    "memory": "in memory",
    "kafka_log": "Kafka log",
    "kafka": "Kafka share group",
    "redis": "Redis Streams",
    "redis_pubsub": "Redis Pub/Sub",
    "rabbitmq": "RabbitMQ",
    "rabbitmq_classic": "RabbitMQ classic",
    "sqs": "SQS (ElasticMQ)",
    "pulsar": "Pulsar",
}
SHAPES = {SEND: "o", RECEIVE: "s"}
HEIGHTS = {SEND: -0.17, RECEIVE: 0.17}  # in rows, from the middle of a row downwards


class Measured(TableChart):
    """A dot for each engine and mode on a logarithmic axis; a line joins the slowest and the
    fastest round.

    Filled dots are batches, open ones single messages; circles are sends, squares receives. The
    table has a row for each round, with the columns of notebooks/data/engines.csv.
    """

    name, min_height, stretch = "measured", 170, 1.0
    columns = ("engine", "durability", "mode", "operation", "per_second")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("messages per second, measured: ● batched, ○ one by one")
        canvas.text(
            box.x,
            box.y + 26,
            "circle: send, square: receive and ack; line: slowest to fastest round",
            size=style.SMALL,
            color=style.MUTED,
        )
        self.room = box.height - HEAD - FOOT
        self.ax = canvas.axes(box.x + NAMES, box.y + HEAD, box.width - NAMES - RIGHT, self.room)
        self.grid = canvas.moving(LineCollection([], colors=style.RULE, linewidths=0.8))
        self.spread = canvas.moving(LineCollection([], colors=style.MUTED, linewidths=2.0))
        for layer in (self.grid, self.spread):
            self.ax.add_collection(layer, autolim=False)
        self.dots = {
            (mode, operation): canvas.moving(
                self.ax.plot(
                    [],
                    [],
                    linestyle="",
                    marker=SHAPES[operation],
                    markersize=6,
                    markeredgewidth=1.5,
                    color=style.IN_FLIGHT if mode == BATCHED else style.TROUBLED,
                    markerfacecolor=style.IN_FLIGHT if mode == BATCHED else style.PAPER,
                    clip_on=False,
                )[0]
            )
            for mode in (BATCHED, SINGLE)
            for operation in (SEND, RECEIVE)
        }
        self.ticks = Ticks(canvas, self.ax, "x")
        self.names = [
            canvas.text(box.x + NAMES - 8, 0, ha="right", va="center", room=NAMES - 8)
            for _ in range(MOST)
        ]
        self.numbers = [
            canvas.text(box.x + box.width - RIGHT + 8, 0, va="center", size=style.SMALL)
            for _ in range(MOST)
        ]
        canvas.text(
            box.x + box.width - RIGHT + 8, box.y + 26, "sends, ● and ○", size=style.SMALL,
            color=style.MUTED,
        )  # fmt: skip
        self.empty = canvas.text(box.x + NAMES, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        found = {} if table is None else rounds(table)
        ranking = [row.engine for row in run.table("ranking") or ()]
        rows = in_order(found, ranking)[:MOST]
        self.empty.text = "" if rows else "nothing is measured yet"
        shown = [(i, key) for i, row in enumerate(rows) for key in found if key[0] == row]
        values = [value for _, key in shown for value in found[key]]
        low = np.floor(np.log10(min(values))) if values else 0.0
        high = np.ceil(np.log10(max(values))) if values else 1.0
        self.ax.set_xlim(low, max(high, low + 1))
        self.ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
        decades = np.arange(low, max(high, low + 1) + 1)
        self.ticks.show([(d, style.number(10.0**d)) for d in decades])
        self.grid.set_segments([[(d, -0.5), (d, len(rows) - 0.5)] for d in decades])
        self.spread.set_segments(
            [
                [(np.log10(edge(found[key])), i + HEIGHTS[key[2]]) for edge in (min, max)]
                for i, key in shown
            ]
        )
        for (mode, operation), dots in self.dots.items():
            mine = [(i, key) for i, key in shown if key[1:] == (mode, operation)]
            dots.set_data(
                [np.log10(np.median(found[key])) for _, key in mine],
                [i + HEIGHTS[operation] for i, _ in mine],
            )
        for i in range(MOST):
            y = self.box.y + HEAD + self.room * (i + 0.5) / max(len(rows), 1)
            self.names[i].text, self.names[i].y = (rows[i] if i < len(rows) else ""), y
            self.numbers[i].text, self.numbers[i].y = "", y
            if i < len(rows):
                sends = [found.get((rows[i], mode, SEND)) for mode in (BATCHED, SINGLE)]
                self.numbers[i].text = " · ".join(_median(each) for each in sends)

    def describe(self, table: Any) -> str:
        found = rounds(table)
        parts = [
            f"{row} sends {_median(found.get((row, BATCHED, SEND)))} per second batched, "
            f"{_median(found.get((row, SINGLE, SEND)))} one by one"
            for row in in_order(found, [])
        ]
        return f"Measured: {'; '.join(parts)}."

    @classmethod
    def title(cls, table: Any) -> str:
        """Return how far batches and engines change the number of messages sent."""
        found = {key: float(np.median(each)) for key, each in rounds(table).items()}
        factors = {
            row: found[row, BATCHED, SEND] / found[row, SINGLE, SEND]
            for row, mode, operation in found
            if (mode, operation) == (BATCHED, SEND) and (row, SINGLE, SEND) in found
        }
        batched = [value for (_, *kind), value in found.items() if kind == [BATCHED, SEND]]
        if not factors or len(batched) < 2:
            return "Messages per second, batched and one by one"
        most = max(factors, key=lambda row: factors[row])
        apart = max(batched) / min(batched)
        return (
            f"{most} sends {style.number(round(factors[most]))} times as much in batches as one by "
            f"one; between engines, in batches, it is at most {style.number(round(apart))} times"
        )


def rounds(table: Any) -> dict[tuple[str, str, str], list[float]]:
    """Return the messages per second of each round, by row, mode and operation.

    A row is an engine, with its setting of durability if it was measured with several.
    """
    several = table.groupby("engine")["durability"].nunique() > 1
    found: dict[tuple[str, str, str], list[float]] = {}
    for engine, durability, mode, operation, per_second in zip(
        *(table[column] for column in Measured.columns), strict=True
    ):
        row = LABELS.get(engine, str(engine))
        if several[engine]:
            row = f"{row}, {durability}"
        found.setdefault((row, mode, operation), []).append(float(per_second))
    return found


def in_order(found: dict[tuple[str, str, str], list[float]], ranking: list[str]) -> list[str]:
    """Return the rows: in the order of a ranking of engines, those not ranked last; of one place,
    or without a ranking, the fastest sender in batches first.
    """
    # Both of Kafka's rows are the product that is ranked as "kafka".
    product = {LABELS[name]: name.removesuffix("_log") for name in LABELS}
    places = {engine: number for number, engine in enumerate(ranking)}

    def place(row: str) -> tuple[int, float]:
        name = row.split(", ", maxsplit=1)[0]
        return places.get(product.get(name, name), len(places)), -float(
            np.median(found.get((row, BATCHED, SEND), [0.0]))
        )

    return sorted(dict.fromkeys(row for row, _, _ in found), key=place)


def _median(values: list[float] | None) -> str:
    return style.number(round(float(np.median(values)))) if values else "–"
