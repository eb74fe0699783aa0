"""What is seen: charts of a run, the step-through of one instant, and the panel that moves them.

Lab(Scenario, seed=0, …)       the panel: controls, charts, verdict
show(run, "depth", ghost=old)  one picture in a cell, its sentence printed under it
replay(17)                     the run that broke an answer to an exercise
"""

from mqlearn.lab.panel import Lab
from mqlearn.lab.replay import replay
from mqlearn.lab.show import show

__all__ = ["Lab", "replay", "show"]
