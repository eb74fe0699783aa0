"""The picture of requests on the wire: their bytes, cut into parts that say what they are for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from matplotlib.patches import Rectangle

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.output import show_png
from mqlearn.runtime import check

WIDTH, HEAD, LINE, BOX, GAP = 640, 28, 42, 20, 6  # pixels
MOST = 40  # characters of the bytes of one part that are written
# Who a part is for, and its colour; the part's own words below it say the same.
ROLES: Final = {
    "frame": ("#E3E3E3", "framing"),
    "address": ("#BFDDF2", "where to"),
    "properties": ("#F9E1B0", "about the message"),
    "body": ("#BFE5D8", "the message"),
}


class Part(NamedTuple):
    """Some bytes of a request, their role (one of `ROLES`), and what they say in a few words."""

    data: bytes
    role: str
    says: str


class Placed(NamedTuple):
    """A part at its place in the picture: pixels from the left and the top, and its width."""

    x: float
    y: float
    width: float
    part: Part


def show_wire(
    requests: Mapping[str, Sequence[Part | tuple[bytes, str, str]]], *, title: str
) -> None:
    """Show the parts of each request under its name, and print how many bytes each takes.

    A part is a box with its bytes, printable ones as characters and others in hexadecimal, and its
    words below. Raises ValueError for a role that is not in `ROLES`.
    """
    check.instance("title", title, str)
    drawn = {name: [Part(*part) for part in parts] for name, parts in requests.items()}
    for parts in drawn.values():
        for part in parts:
            check.one_of("role", part.role, ROLES)
    canvas = Canvas(WIDTH, 10, scale=2)  # only measures: the height is not yet known
    names, placed, height = _layout(canvas, drawn)
    canvas = Canvas(WIDTH, height, scale=2)
    canvas.text(
        4, 18, canvas.fit(title, WIDTH - 8, size=style.TITLE, bold=True), size=style.TITLE,
        bold=True,
    )  # fmt: skip
    _key(canvas)
    for name, y in names.items():
        canvas.text(4, y, name, bold=True)
    ax = canvas.axes(0, 0, WIDTH, height, bare=True)
    ax.set(xlim=(0, WIDTH), ylim=(height, 0))
    for x, y, width, part in placed:
        box = Rectangle((x, y), width, BOX, facecolor=ROLES[part.role][0], linewidth=0)
        ax.add_patch(box)
        canvas.text(x + 4, y + 14, as_text(part.data), size=style.SMALL)
        canvas.text(x + 4, y + BOX + 12, part.says, size=style.SMALL, color=style.MUTED)
    canvas.draw()
    show_png(canvas.png(), WIDTH, height)
    print(sentence(drawn))


def sentence(requests: Mapping[str, Sequence[Part]]) -> str:
    """Return how many bytes each request has, and how many of them are not the message."""
    parts = []
    for name, found in requests.items():
        total = sum(len(part.data) for part in found)
        body = sum(len(part.data) for part in found if part.role == "body")
        parts.append(f"{name}: {total:,} bytes, {total - body:,} of them around the message")
    return f"{'; '.join(parts)}."


def as_text(data: bytes, most: int = MOST) -> str:
    """Return bytes as text: printable ASCII as it is, line ends as ↵, others in hexadecimal. More
    than `most` characters are cut in the middle.
    """
    pieces: list[str] = []
    coded = False
    for byte in data:
        plain = "↵" if byte == 10 else "" if byte == 13 else chr(byte) if 32 <= byte < 127 else None
        if plain is None:
            pieces.append(f"{byte:02x} " if coded else f" {byte:02x} ")
        else:
            pieces.append(plain)
        coded = plain is None
    text = "".join(pieces).strip()
    return text if len(text) <= most else f"{text[: most - 9]}…{text[-8:]}"


def _layout(
    canvas: Canvas, requests: Mapping[str, Sequence[Part]]
) -> tuple[dict[str, float], list[Placed], int]:
    """Return where the names and the parts are, and the height of the picture (pixels)."""
    names: dict[str, float] = {}
    placed: list[Placed] = []
    y = HEAD + 26.0
    for name, parts in requests.items():
        names[name] = y + 12
        y += 18
        x = 4.0
        for part in parts:
            width = 8 + max(_widths(canvas, (as_text(part.data), part.says)))
            if x + width > WIDTH - 4 and x > 4:
                x, y = 4.0, y + LINE
            placed.append(Placed(x, y, width, part))
            x += width + GAP
        y += LINE + 4
    return names, placed, int(y)


def _widths(canvas: Canvas, texts: Iterable[str]) -> Iterable[float]:
    return (canvas.measure(text, size=style.SMALL) for text in texts)


def _key(canvas: Canvas) -> None:
    """Draw what the colours mean, under the title."""
    ax = canvas.axes(0, HEAD, WIDTH, 18, bare=True)
    ax.set(xlim=(0, WIDTH), ylim=(18, 0))
    x = 4.0
    for color, word in ROLES.values():
        ax.add_patch(Rectangle((x, 2), 14, 12, facecolor=color, linewidth=0))
        canvas.text(x + 20, HEAD + 12, word, size=style.SMALL)
        x += 20 + canvas.measure(word, size=style.SMALL) + 20
