"""A job on a genuine engine where that is installed, and its recorded result where it is not.

    def checkout(shop): …                    uses shop.queue, shop.card, shop.server, shop.sleep

    engines = LiveOrRecorded(note)
    engines.run("redis", checkout)           the run, for charts
    engines.ask("redis", survives)           what the job returns

A notebook then shows the same on every machine, as long as what it prints holds everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from mqlearn.engines.errors import EngineError
from mqlearn.runtime import check
from mqlearn.runtime.trace import Record, Trace
from mqlearn.study.data_files import data_file
from mqlearn.study.run import Run
from mqlearn.units.choosing_a_technology.shop import MEMORY, QUEUES, Shop, open_shop

Job = Callable[[Shop], Any]
FILE: Final = "engine_runs.json"


class LiveOrRecorded:
    """Runs of jobs on engines. `tell(text)` is called with one line about each: whether it was
    live, or when it was recorded and what version was used.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        check.function("tell", tell)
        self.tell = tell

    def run(self, engine: str, job: Job, **options: Any) -> Run:
        """Return the run of `job(shop)` on `engine`: "memory", or a server with these `options`.

        Raises LookupError if the engine is not installed and no such run was recorded.
        """
        return as_run(self._result(engine, job, options)["run"])

    def ask(self, engine: str, job: Job, **options: Any) -> Any:
        """Return what `job(shop)` returns on `engine`; options and errors as in `run`."""
        return self._result(engine, job, options)["answer"]

    def _result(self, engine: str, job: Job, options: dict[str, Any]) -> dict[str, Any]:
        check.one_of("engine", engine, (MEMORY, *QUEUES))
        check.function("job", job)
        with ExitStack() as stack:
            try:
                shop = stack.enter_context(open_shop(engine, **options))
            except EngineError as missing:
                reason = str(missing)
            else:
                self.tell(f"live: {engine} {_words(options)}".rstrip())
                return live_result(shop, job)
        result = recorded_result(engine, job.__name__, options)
        what = f"{result['version']} {_words(options)}".rstrip()
        self.tell(f"recorded on {result['date']}: {what} ({reason})")
        return result


def live_result(shop: Shop, job: Job) -> dict[str, Any]:
    """Return what a job returns and the run that it makes, both as JSON can hold them.

    A job that returns something is asked for that; one that returns nothing makes a run, whose
    books must balance.
    """
    start = shop.runtime.now  # the server has been started before, and its seconds are no part
    answer = job(shop)
    if answer is not None:
        # as it would come back from the file: a tuple as a list
        return {"answer": json.loads(json.dumps(answer)), "run": None}
    shop.trace.freeze()
    run = Run.of(shop.trace, shop.runtime.now)
    made = {"until": run.until - start, "totals": run.totals, "verdict": run.verdict}
    records = [list(r._replace(time=r.time - start)) for r in run.trace.records]
    return {"answer": None, "run": made | {"records": records}}


def recorded_result(engine: str, job: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the recorded result of the job with this name; raises LookupError if there is none."""
    for result in json.loads(data_file(FILE).read_text(encoding="utf-8")):
        if (result["engine"], result["job"], result["options"]) == (engine, job, options):
            return dict(result)
    raise LookupError(
        f"job must be one that was recorded on {engine} with the options {options}, got {job!r}"
    )


def as_run(made: dict[str, Any]) -> Run:
    """Return a run from what `live_result` says of it."""
    trace = Trace()
    trace.records = [Record(*values) for values in made["records"]]
    return Run(None, 0, trace, made["until"], made["totals"], made["verdict"])


def _words(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
