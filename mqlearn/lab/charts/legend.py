"""A legend in the right margin of a chart, with the entries that occur in the run."""

from collections.abc import Collection
from typing import Any

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas

ROW, SWATCH, SIDE = 16, (14, 11), 20  # pixels: a row, a swatch, and from it to the label


class Legend:
    """Swatches with labels, one below the other from (x, y) pixels on; `looks` are those of a
    patch. A look None has no swatch, and its label begins where the swatches do.
    """

    def __init__(
        self, canvas: Canvas, x: float, y: float, looks: dict[str, dict[str, Any] | None]
    ) -> None:
        self.canvas, self.x, self.y = canvas, x, y
        self.swatches = {name: self._swatch(look) for name, look in looks.items() if look}
        self.labels = {
            name: canvas.text(x + SIDE * (look is not None), y, size=style.SMALL)
            for name, look in looks.items()
        }

    def _swatch(self, look: dict[str, Any]) -> PolyCollection:
        place = self.canvas.figure.transFigure
        look = {"edgecolor": style.RULE, "linewidth": 0.8, **look}
        swatch = self.canvas.moving(PolyCollection([], transform=place, **look))
        self.canvas.figure.add_artist(swatch)
        return swatch

    @property
    def shown(self) -> list[str]:
        """The entries that are shown, from the top."""
        return [name for name, label in self.labels.items() if label.text]

    def show(self, occurs: Collection[str]) -> None:
        """Show the entries whose names are in `occurs`, without a gap between them."""
        y = self.y
        for name, label in self.labels.items():
            here = name in occurs
            label.text, label.y = name if here else "", y + 9.5
            if name in self.swatches:
                corners = self.canvas.corners(self.x, y, *SWATCH)
                self.swatches[name].set_verts([corners] if here else [])
            y += ROW * here
