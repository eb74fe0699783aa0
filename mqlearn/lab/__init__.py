"""The visible part of the course: charts of a run, its step-through, and the panel with its
controls.

Lab(Scenario, seed=0, …)       the panel: controls, charts, verdict
show(run, "depth", ghost=old)  one picture in a cell, its sentence printed under it
replay(17)                     the run that broke an answer to an exercise
note(text)                     a line that may differ from one machine to another

When a slider is moved, its value passes through: panel → scenario → run → `ChartData` (its tables
as arrays) → `Dashboard` (charts laid out in one picture) → `Canvas` (pixels) → PNG.
"""

from mqlearn.lab.note import note
from mqlearn.lab.panel import Lab
from mqlearn.lab.replay import replay
from mqlearn.lab.show import show

__all__ = ["Lab", "note", "replay", "show"]
