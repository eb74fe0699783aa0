"""What a person does with a notebook in JupyterLab: run all cells, move a slider, press the
buttons.
"""

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, TimeoutError, expect  # noqa: A004 - Playwright's own

RUNS_WITHIN = 120_000  # milliseconds, for one whole notebook
GONE_AFTER = 1_000  # milliseconds, for a button that the one before it has taken away
ANSWERS_WITHIN = 10_000  # milliseconds, for one press of a key or a button
SETTLES = 50  # looks, a tenth of a second apart, until a page stands still

FAILURES = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")

# Times each key press inside the browser, until a picture with another source stands in the panel.
# Where a widget replaces its <img>, the old element is gone, so the panel is watched, not the
# image.
STOPWATCH = """panel => {
    const shown = () => panel.querySelector('img[alt]')?.src;
    const watch = {source: shown(), pressed: null, taken: []};
    document.addEventListener('keydown', () => { watch.pressed = performance.now(); }, true);
    new MutationObserver(() => {
        const source = shown();
        if (!source || source === watch.source) return;
        watch.source = source;
        if (watch.pressed !== null) watch.taken.push(performance.now() - watch.pressed);
        watch.pressed = null;
    }).observe(panel, {subtree: true, childList: true, attributes: true});
    window.stopwatch = watch;
}"""

STICKS_OUT = """e => {
    const frame = e.closest('.jp-WindowedPanel-outer').getBoundingClientRect();
    const panel = e.querySelector('.jupyter-widgets').getBoundingClientRect();
    return Math.max(0, frame.top - panel.top, panel.bottom - frame.bottom,
                    frame.left - panel.left, panel.right - frame.right);
}"""


def run_all(page: Page, address: str) -> None:
    """Open the notebook at `address`, wait for its kernel, run every cell and wait for the last."""
    page.goto(address)
    # The status bar, since the indicator in the toolbar reads idle before there is a kernel.
    expect(
        page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle")
    ).to_be_visible(timeout=RUNS_WITHIN)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    unfinished = page.locator(".jp-CodeCell .jp-InputPrompt").filter(
        has_not_text=re.compile(r"^\[\d+\]:$")
    )
    expect(unfinished).to_have_count(0, timeout=RUNS_WITHIN)


def failures(page: Page) -> list[str]:
    """The text of every error and every warning that a cell of the page shows."""
    where = ", ".join(f'[data-mime-type="{kind}"]' for kind in FAILURES)
    return page.locator(where).all_inner_texts()


def labs(page: Page) -> list["Panel"]:
    """Every panel of the page that has a picture."""
    outputs = page.locator(".jp-OutputArea-output:has(.jupyter-widgets):has(img[alt])")
    return [Panel(page, outputs.nth(n)) for n in range(outputs.count())]


@dataclass(frozen=True)
class Panel:
    """One lab as it stands in the page."""

    page: Page
    root: Locator

    def picture(self) -> Locator:
        """The chart, found as a screen reader finds it: an image with a name."""
        return self.root.get_by_role("img", name=re.compile(r"\w")).first

    def sliders(self) -> Locator:
        """The handles of the sliders that are on screen now."""
        return self.root.locator(".widget-slider .noUi-handle:visible")

    def nameless(self) -> list[str]:
        """What the accessibility tree shows of the controls in sight that have no name, sliders
        excepted.

        No slider of ipywidgets has a name; each has a number field beside it that must.
        """
        roles = "button|checkbox|combobox|spinbutton|textbox|radio|tab"
        lines = self.root.aria_snapshot().splitlines()
        # A name stands in quotes after the role; a value, after a colon, is not a name.
        return [line.strip() for line in lines if re.match(rf'\s*- (?:{roles})\b(?! ")', line)]

    def named_fields(self) -> int:
        """How many named fields are in sight that take a number."""
        return sum(
            self.root.get_by_role(role, name=re.compile(r"\w")).count()
            for role in ("spinbutton", "textbox")
        )

    def time_moves(self, slider: Locator, moves: int) -> list[float]:
        """Move `slider` to and fro by the arrow keys; milliseconds from each press to the next
        picture.
        """
        self.root.evaluate(STOPWATCH)
        slider.focus()
        for n in range(moves):
            # Two steps one way, two back: the scale does not end, and no picture comes twice in a
            # row.
            slider.press("ArrowRight" if n % 4 < 2 else "ArrowLeft")
            self.page.wait_for_function(
                "n => window.stopwatch.taken.length >= n", arg=n + 1, timeout=ANSWERS_WITHIN
            )
        return list(self.page.evaluate("window.stopwatch.taken"))

    def press_every_button(self) -> list[str]:
        """Open each tab in turn and press all of its buttons; return the names of what was
        pressed.
        """
        pressed = []
        tabs = self.root.get_by_role("tab")
        for n in range(max(1, tabs.count())):
            if tabs.count():
                tabs.nth(n).click()
            pressed += self._press(self.root.get_by_role("button"))
        return pressed

    def _press(self, buttons: Locator) -> list[str]:
        names = []
        n = 0
        while n < buttons.count():  # counted anew: a button may bring others, or take them away
            button = buttons.nth(n)
            try:
                if button.is_visible() and button.is_enabled(timeout=GONE_AFTER):
                    name = button.inner_text(timeout=GONE_AFTER).strip()
                    names.append(name or button.get_attribute("title", timeout=GONE_AFTER) or "")
                    button.click(timeout=ANSWERS_WITHIN)
            except TimeoutError:
                # it is still there, and cannot be pressed
                if n < buttons.count() and button.is_visible():
                    raise
            n += 1
        return names

    def choose_everything(self) -> list[str]:
        """Choose every option of every list in sight, one after the other; return what was
        chosen.
        """
        chosen = []
        lists = self.root.get_by_role("combobox")
        for n in range(lists.count()):
            for option in lists.nth(n).locator("option").all_inner_texts():
                lists.nth(n).select_option(label=option, timeout=ANSWERS_WITHIN)
                chosen.append(option)
        return chosen

    def number_field(self) -> Locator:
        """The first field in sight that a number is typed into."""
        return self.root.locator(".mq-row input[type=text]:visible").first

    def type_number(self, text: str) -> None:
        """Type a text into that field, key by key, and confirm it."""
        self.number_field().select_text()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")
        self.wait_until_idle()

    def says(self) -> str:
        """The verdict, as a screen reader would be told it."""
        return self.root.get_by_role("status").first.inner_text()

    def complaints(self) -> list[str]:
        """What the panel says is wrong; empty when nothing is."""
        return self.root.locator(".mq-error").all_inner_texts()

    def wait_until_idle(self) -> None:
        """Wait until the kernel has answered everything that was asked of it."""
        idle = self.page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle")
        expect(idle).to_be_visible(timeout=RUNS_WITHIN)

    def cut_off(self) -> float:
        """Bring the panel into sight; by how many CSS pixels it sticks out of its notebook's
        window.

        A page that is still laying out what stands above may push it out again: it is looked at
        until it stays.
        """
        for _ in range(SETTLES):
            self.root.evaluate("e => e.scrollIntoView({block: 'center'})")
            self.page.wait_for_timeout(100)
            out = float(self.root.evaluate(STICKS_OUT))
            if out <= 1:
                break
        return out
