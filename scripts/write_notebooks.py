"""Run every notebook afresh and write it, with its outputs, the one right way.

    python scripts/write_notebooks.py [NOTEBOOK ...]

The notebooks are the source: each is run in a new kernel from top to bottom, in its own folder, and
written over itself. Without arguments, all of `notebooks/` and `notebooks/solutions/` are. What is
written is the same on every machine, so that a difference in version control is a difference in
what a reader sees:

- execution counts run from 1, streams are joined, timings and the kernel's version are left out;
- the live view of a widget is removed and its picture stays. Opened without a kernel, a saved view
  says "model not found" even beside a picture; without it, the picture shows, and run, the widget
  is live again;
- a cell without an id gets one from its place and its source, and all others keep theirs.

A cell that raises, or that writes to stderr, stops the writing of its notebook and is named.
"""

import argparse
import hashlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
CELL_TIMEOUT = 60  # seconds, the limit under which the tests run them too

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
KEPT_CELL_METADATA = {"tags", "slideshow", "jupyter", "editable", "deletable"}


def all_notebooks() -> list[Path]:
    """Every notebook of the course and every worked solution."""
    return sorted(NOTEBOOKS.glob("*.ipynb")) + sorted(NOTEBOOKS.glob("solutions/*.ipynb"))


def cell_id(position: int, source: str) -> str:
    """An id that the same cell at the same place always gets."""
    return f"c{position:02d}-" + hashlib.sha256(source.encode()).hexdigest()[:8]


def read(text: str) -> Any:
    """The notebook in `text`, in format 4.5, each cell with its own id, the same one each time.

    The ids are given before nbformat sees the cells, because it would invent random ones.
    """
    raw = json.loads(text)
    raw["nbformat"], raw["nbformat_minor"] = 4, 5
    taken: set[str] = set()
    for position, cell in enumerate(raw["cells"]):
        if cell.get("id", "") in taken | {""}:
            cell["id"] = cell_id(position, "".join(cell["source"]))
        taken.add(cell["id"])
    return nbformat.reads(json.dumps(raw), as_version=4)


def settle(notebook: Any) -> Any:
    """Take out of an executed notebook what differs between machines or needs a living kernel."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        kept = {key: value for key, value in cell.metadata.items() if key in KEPT_CELL_METADATA}
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
    return notebook


def complaints(notebook: Any) -> list[str]:
    """What an executed notebook must not contain: anything on stderr, and errors, even expected
    ones.
    """
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(
                    f"cell [{cell.execution_count}] raised {output.ename}: {output.evalue}"
                )
            if output.output_type == "stream" and output.name == "stderr":
                found.append(
                    f"cell [{cell.execution_count}] wrote to stderr: {output.text.strip()}"
                )
    return found


def rewrite(path: Path) -> str:
    """Run and write the notebook at `path`; return what was wrong with it, or an empty string."""
    try:
        text = path.read_text(encoding="utf-8")
        notebook = read(text)
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name=KERNEL["name"],
            resources={"metadata": {"path": str(path.parent)}},
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
            extra_arguments=["--Application.log_level=ERROR"],
        )
        client.execute()
    except (CellExecutionError, KeyError, ValueError, OSError, RuntimeError) as problem:
        return f"{type(problem).__name__}: {problem}"
    if wrong := complaints(notebook):
        return "\n".join(wrong)
    nbformat.validate(settle(notebook))
    written = nbformat.writes(notebook) + "\n"
    if written != text:
        path.write_text(written, encoding="utf-8")
    return ""


def main(arguments: list[str]) -> int:
    """Rewrite the named notebooks, or all, two at a time; return the number that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("notebooks", metavar="NOTEBOOK", type=Path, nargs="*", help="(all)")
    named = [path.resolve() for path in parser.parse_args(arguments).notebooks]
    if missing := [path for path in named if path.suffix != ".ipynb" or not path.is_file()]:
        parser.error(f"NOTEBOOK must be a notebook's file, got {missing[0]}")
    paths = named or all_notebooks()
    failed = 0
    with ProcessPoolExecutor(max_workers=2) as pool:
        for path, problem in zip(paths, pool.map(rewrite, paths), strict=True):
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            print(f"{name}: {problem or 'written'}", flush=True)
            failed += bool(problem)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
