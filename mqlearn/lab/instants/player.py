"""The controls of the step-through: play, a slider over the run's time, and the next event."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from mqlearn.lab.number_field import NumberField

STEPS = 240  # instants of a run that Play shows, one every 100 ms: a run takes 24 s to watch


class Player:
    """Controls that choose an instant of a run: `time` (s). They call `moved(time)` each time a
    user chooses one, and `refused(error)` if what is typed is no time.

    Play and slider count steps from 0 to `STEPS`, for a run of any length, so the widgets are made
    once and serve every run. `_quiet` is True while code sets them, so that only a user's action
    calls `moved`.
    """

    def __init__(
        self, moved: Callable[[float], object], refused: Callable[[Exception], object]
    ) -> None:
        self._moved = moved
        self._until = 1.0
        self._times: list[float] = []
        self._time = 0.0
        self._quiet = False
        self.play = widgets.Play(
            min=0, max=STEPS, interval=100, show_repeat=False, tooltip="play, and stop"
        )
        self.slider = widgets.IntSlider(min=0, max=STEPS, readout=False)
        self.field = NumberField("t, s", "t", self._typed, refused)
        self.back = widgets.Button(description="◂ event", tooltip="to the event before")
        self.next = widgets.Button(description="event ▸", tooltip="to the next event")
        # Linked in the browser: a kernel in between would delay each of ten pictures per second.
        self.link = widgets.jslink((self.play, "value"), (self.slider, "value"))
        self.slider.observe(
            lambda change: self._choose(change["new"] * self._until / STEPS), names="value"
        )
        self.back.on_click(lambda _: self._choose(self._event(-1)))
        self.next.on_click(lambda _: self._choose(self._event(+1)))
        self.box = widgets.HBox([self.play, self.slider, self.field.widget, self.back, self.next])
        self.box.add_class("mq-player")

    def follow(self, run: Any) -> None:
        """Step through `run` from now on. The chosen time stays the same, or becomes the end of a
        shorter run.
        """
        times = [record.time for record in run.trace.records]
        # the same run: setting the widgets again would send messages to the browser for nothing
        if times == self._times and float(run.until) == self._until:
            return
        self._times, self._until = times, float(run.until)
        self.time = min(self._time, self._until)

    @property
    def time(self) -> float:
        """The chosen instant, in seconds."""
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        """Show `time` on the controls, without a call to `moved`."""
        self._time, self._quiet = time, True
        try:
            self.slider.value = self.play.value = round(time * STEPS / (self._until or 1.0))
            self.field.show(round(time, 3))
        finally:
            self._quiet = False

    def _choose(self, time: float) -> None:
        if not self._quiet:
            self.time = time
            self._moved(time)

    def _typed(self, time: float | None) -> None:
        self._choose(min(max(time or 0.0, 0.0), self._until))

    def _event(self, way: int) -> float:
        """Return when (s) the next event after the chosen instant is, or with -1 the last
        before.
        """
        # With a tolerance: a typed time may differ from the event's in the last digits.
        if way > 0:
            at = bisect_right(self._times, self._time + 1e-9)
            return self._times[at] if at < len(self._times) else self._until
        at = bisect_left(self._times, self._time - 1e-9)
        return self._times[at - 1] if at else 0.0
