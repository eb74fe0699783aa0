"""Run the jobs of notebook 14 on genuine engines and record what came of them.

    python scripts/record_runs.py [ENGINE ...]

The notebook is the source: its cells define the jobs and say which engine runs them with which
settings. They are executed here, each job live on its engine, and the results are
written to notebooks/data/engine_runs.json, from where the notebook shows them on a machine without
that engine. With names of engines, only the results of these are replaced, and the others are taken
as they were recorded.
"""

import argparse
import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import mqlearn.lab
import mqlearn.units.choosing_a_technology as unit
from bench.engines.candidates import version
from mqlearn.study.run import Run
from mqlearn.units.choosing_a_technology.live import FILE, Job, as_run, live_result, recorded_result
from mqlearn.units.choosing_a_technology.shop import MEMORY, open_shop

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "14_choosing_a_technology.ipynb"
RESULTS = ROOT / "notebooks" / "data" / FILE
CALL = re.compile(r"\bengines\.(run|ask)\(")  # of a job


class Recorder:
    """Stands in for `LiveOrRecorded`: runs each job live, and keeps the result."""

    results: ClassVar[list[dict[str, Any]]] = []
    only: ClassVar[list[str]] = []  # the engines that are asked for; empty: all

    def __init__(self, tell: object) -> None:
        """Take the same argument as `LiveOrRecorded`; nothing is told."""

    def run(self, engine: str, job: Job, **options: Any) -> Run:
        """Run the job, keep its run and return it."""
        return as_run(self._keep(engine, job, options)["run"])

    def ask(self, engine: str, job: Job, **options: Any) -> Any:
        """Run the job, keep its answer and return it."""
        return self._keep(engine, job, options)["answer"]

    def _keep(self, engine: str, job: Job, options: dict[str, Any]) -> dict[str, Any]:
        if self.only and engine not in (*self.only, MEMORY):
            result = recorded_result(engine, job.__name__, options)
            self.results.append(result)
            return result
        print(f"{engine}: {job.__name__} {options or ''}", file=sys.stderr)
        with open_shop(engine, **options) as shop:
            found = "" if engine == MEMORY else version(engine, shop.queue)
            result = live_result(shop, job)
        if engine != MEMORY:
            about = {"engine": engine, "job": job.__name__, "options": options}
            about |= {"date": time.strftime("%Y-%m-%d"), "version": found}
            self.results.append(about | rounded(result))
        return result


def rounded(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with its times in whole milliseconds: more digits only make a larger file."""
    if result["run"] is not None:
        records = result["run"]["records"]
        result["run"]["records"] = [[round(time, 3), *rest] for time, *rest in records]
        result["run"]["until"] = round(result["run"]["until"], 3)
    return result


def cells() -> list[str]:
    """Return the code of the notebook's cells before its lab, and of later ones that run a job."""
    found: list[str] = []
    lab = False
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        lab = lab or source.startswith("## The lab")
        if cell["cell_type"] == "code" and (not lab or CALL.search(source)):
            found.append(source)
    return found


def main() -> None:
    """Execute the cells, and replace the results that were made."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("engines", nargs="*", help="by default all of the notebook's")
    Recorder.only = parser.parse_args().engines
    for module, name in ((mqlearn.lab, "show"), (mqlearn.lab, "note")):
        setattr(module, name, lambda *_, **__: None)
    vars(unit)["LiveOrRecorded"] = Recorder
    names: dict[str, Any] = {}
    for source in cells():
        with contextlib.redirect_stdout(io.StringIO()):
            exec(source, names)  # our own notebook
    results = Recorder.results
    lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in results)
    RESULTS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
