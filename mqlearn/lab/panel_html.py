"""The HTML of a lab's panel: its sizes, its style sheet, and the parts that are text instead of
widgets.
"""

import base64
from collections.abc import Mapping
from html import escape as escape_html
from typing import Any

from mqlearn.lab import style
from mqlearn.lab.label import plain

WIDTH, HEIGHT = 826, 520  # pixels: all of it is seen at 1280×720, with JupyterLab's side bar open
LEFT, RIGHT = 250, 570
PICTURE_HEIGHT = 408

# ruff: noqa: E501 -- a rule of the style sheet reads best on one line
CSS = f"""<style>
.mq-lab {{ width: {WIDTH}px; height: {HEIGHT}px; overflow: hidden; font-size: 13px; }}
.mq-lab .widget-html, .mq-lab .widget-html-content {{ margin: 0; line-height: 1.25; height: auto; }}
.mq-left {{ width: {LEFT}px; height: {HEIGHT}px; padding-right: 6px; box-sizing: border-box; overflow: hidden; }}
.mq-right {{ width: {RIGHT}px; height: {HEIGHT}px; overflow: hidden; }}
.mq-picture img {{ display: block; margin: 0; max-width: none; }}
[data-jp-theme-light="false"] .mq-picture img {{ filter: invert(1) hue-rotate(180deg); }}
.mq-title {{ font-weight: bold; font-size: 14px; padding: 1px 0 3px; }}
.mq-group {{ font-size: 11px; font-weight: bold; text-transform: uppercase; letter-spacing: .05em; line-height: 15px;
  color: var(--jp-ui-font-color2, #616161); border-bottom: 1px solid var(--jp-border-color2, #ddd); margin-top: 1px; }}
.mq-row {{ position: relative; width: 100%; overflow: hidden; flex: none; }}
.mq-row .widget-inline-hbox, .mq-row .jupyter-widgets {{ margin: 0; }}
.mq-row > :first-child {{ width: 100%; height: 24px; }}
.mq-lab .mq-row .widget-label {{ flex: 1 1 auto; text-align: left; line-height: 24px; height: 24px; white-space: nowrap; font-size: 12.5px; }}
.mq-lab .mq-row input[type="text"], .mq-lab .mq-ask input {{ flex: 0 0 66px; width: 66px; height: 21px; font-size: 12.5px; padding: 0 2px 0 5px; }}
.mq-lab .mq-row select {{ flex: 0 0 116px; height: 22px; font-size: 12.5px; line-height: 18px; padding: 0 16px 0 4px; }}
.mq-lab .mq-row .widget-checkbox label {{ font-size: 12.5px; white-space: nowrap; }}
.mq-lab .mq-upload {{ width: 100%; height: 25px; flex: none; justify-content: flex-end; overflow: hidden; }}
.mq-lab .mq-upload .jupyter-button {{ width: 150px; height: 22px; line-height: 22px; margin: 0; padding: 0 6px; font-size: 12px; }}
.mq-airy .mq-row {{ height: 40px; }}
.mq-airy .mq-wide {{ height: 28px; }}
.mq-airy .mq-row .widget-slider {{ position: absolute; left: 0; top: 22px; width: 100%; height: 18px; }}
.mq-compact .mq-row {{ height: 25px; }}
.mq-compact .mq-row .widget-slider {{ position: absolute; left: 110px; top: 1px; width: 62px; height: 24px; }}
.mq-lab .mq-compact .mq-row:not(.mq-wide) .widget-label {{ flex: 0 0 108px; white-space: normal; font-size: 11px; line-height: 12px; display: flex; align-items: center; }}
.mq-lab .mq-compact .mq-row:not(.mq-wide) .widget-inline-hbox {{ justify-content: space-between; }}
.mq-lab .mq-more {{ width: 100%; height: 24px; line-height: 24px; margin: 1px 0; padding: 0 6px; font-size: 12px; flex: none; }}
.mq-tabs {{ width: 100%; }}
.mq-lab .mq-tabs.jupyter-widgets > .lm-TabBar .lm-TabBar-tab {{ min-width: 0; flex: 1 1 auto; padding: 0 4px; font-size: 12px; line-height: 24px; }}
.mq-lab .mq-tabs .widget-tab-contents {{ padding: 4px 0 0; border: none; overflow: hidden; }}
.mq-ask {{ background: var(--jp-layout-color2, #f2f2f2); padding: 3px 5px; margin: 0 0 3px; overflow: hidden; flex: none; }}
.mq-ask .widget-html {{ font-size: 12px; }}
.mq-lab .mq-ask .widget-text {{ width: 100%; height: 24px; margin: 2px 0 0; }}
.mq-lab .mq-ask .widget-label {{ flex: 1 1 auto; text-align: left; height: 24px; line-height: 24px; font-size: 12.5px; font-weight: bold; color: {style.PREDICTED}; }}
[data-jp-theme-light="false"] .mq-lab .mq-ask .widget-label {{ color: #F08CC4; }}
.mq-lab .mq-preset {{ width: 100%; height: 26px; margin: 0 0 2px; }}
.mq-lab .mq-preset .widget-label {{ width: auto; margin-right: 6px; font-size: 12.5px; line-height: 26px; }}
.mq-lab .mq-preset select {{ font-size: 12px; padding: 0 16px 0 4px; }}
.mq-lab .mq-buttons {{ flex-flow: row wrap; gap: 3px; margin-top: auto; overflow: hidden; flex: none; padding-bottom: 1px; }}
.mq-lab .mq-buttons .jupyter-button {{ width: auto; flex: 1 1 auto; height: 24px; line-height: 24px; margin: 0; padding: 0 6px; font-size: 12px; }}
.mq-verdict p {{ margin: 2px 0 0; font-size: 13px; line-height: 17px; height: 51px; overflow: auto; }}
.mq-verdict .mq-error {{ color: #B3261E; font-weight: bold; }}
[data-jp-theme-light="false"] .mq-verdict .mq-error {{ color: #FF8A80; }}
.mq-below {{ height: 54px; overflow: hidden; }}
.mq-totals table {{ border-collapse: collapse; font-size: 12px; margin: 0; width: 100%; table-layout: auto; }}
.mq-totals th, .mq-totals td {{ padding: 0 8px 0 0; line-height: 17px; text-align: left; white-space: nowrap; background: none; border: 0; }}
.mq-totals thead th {{ font-weight: normal; color: var(--jp-ui-font-color2, #616161); }}
.mq-totals tbody td {{ font-weight: bold; }}
.mq-totals tbody .mq-was * {{ font-weight: normal; color: var(--jp-ui-font-color2, #616161); }}
.mq-code pre {{ margin: 0; font-size: 12px; line-height: 17px; white-space: pre; overflow-x: auto; user-select: all; }}
.mq-lab .mq-player {{ align-items: center; gap: 4px; overflow: hidden; }}
.mq-lab .mq-player .jupyter-button {{ width: auto; flex: none; height: 26px; line-height: 26px; margin: 0; padding: 0 7px; font-size: 12px; }}
.mq-lab .mq-player .widget-slider {{ width: 150px; margin: 0; }}
.mq-lab .mq-player .widget-text {{ width: 112px; margin: 0; }}
.mq-lab .mq-player .widget-label {{ width: auto; font-size: 12.5px; }}
.mq-lab .mq-player .widget-play {{ width: auto; flex: none; margin: 0; height: 26px; }}
.mq-lab .mq-player .widget-play .jupyter-button {{ width: 28px; padding: 0; }}
</style>"""


def escape(text: str) -> str:
    """Return a text as HTML. Spaces and line breaks in a row are one space, as in every page."""
    return escape_html(plain(" ".join(text.split())))


def picture(png: bytes, alt: str, width: int, height: int) -> str:
    """Return an image with its alt text, as HTML: an ipywidgets `Image` cannot have an accessible
    name.
    """
    data = base64.b64encode(png).decode()
    return f'<img alt="{escape(alt)}" width="{width}" height="{height}" src="data:image/png;base64,{data}">'


def verdict(text: str, *, error: str = "") -> str:
    """Return the run's sentence, with an error before it if there is one. Screen readers announce
    it when it changes.
    """
    wrong = f'<span class="mq-error">{escape(error)}</span> ' if error else ""
    return f'<p role="status" aria-live="polite">{wrong}{escape(text)}</p>'


def totals(now: Mapping[str, Any], was: Mapping[str, Any] | None = None) -> str:
    """Return the totals as a table of one row, and those of the baseline under it."""
    names = list(now)[:9]  # more columns are wider than the panel
    head = "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in names)
    rows = f'<tr><th scope="row">this run</th>{_cells(now, names)}</tr>'
    if was is not None:
        rows += f'<tr class="mq-was"><th scope="row">baseline</th>{_cells(was, names)}</tr>'
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(values: Mapping[str, Any], names: list[str]) -> str:
    shown = (values.get(name, "–") for name in names)
    return "".join(
        f"<td>{style.number(v) if isinstance(v, int | float) else escape(str(v))}</td>"
        for v in shown
    )
