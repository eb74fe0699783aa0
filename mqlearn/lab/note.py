"""A line of text in a picture, for what may differ from one machine to another."""

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.output import show_png
from mqlearn.runtime import check

WIDTH, LINE, LINES = 640, 16, 2  # pixels, and how many lines
HEIGHT = LINE * LINES + 6  # the same for every text, so that no two outputs differ in it


def note(text: str) -> None:
    """Show `text` in grey as a picture of two lines.

    The outputs of the course's notebooks are compared in their tests, pictures apart: this tells
    the reader whether a run was live or is a recorded one.
    """
    check.instance("text", text, str)
    canvas = Canvas(WIDTH, HEIGHT, scale=2)
    for line, row in enumerate(canvas.wrap(text, WIDTH - 4, lines=LINES, size=style.SMALL)):
        canvas.text(2, LINE * (line + 1) - 2, row, size=style.SMALL, color=style.MUTED)
    canvas.draw()
    show_png(canvas.png(), WIDTH, HEIGHT)
