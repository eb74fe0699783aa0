"""The course, unit by unit: a folder has the name of its notebook and holds what only that unit
needs.

    scenario      the parameters that its lab moves, and the run they make
    by_hand       runs with code from a notebook's cell in the place of the package's own
    the others    one exercise each, named as the function that a student writes, and what it needs

No unit imports another.
"""

from importlib import import_module
from typing import Final

from mqlearn.study.scenario import Scenario

COURSE: Final = (
    "start_here",
    "messages_and_queues",
    "work_queues",
    "delivery_guarantees",
    "retries_and_dead_letters",
    "circuit_breaker",
    "batching",
    "publish_subscribe",
    "event_streams",
    "consumer_groups",
    "event_sourcing",
    "replication",
    "backpressure_and_scaling",
    "monitoring",
    "choosing_a_technology",
)


def scenarios() -> dict[str, type[Scenario]]:
    """Return the scenario of each unit by the name of its class, in the order of the course."""
    found = {}
    for unit in COURSE:
        for value in vars(import_module(f"mqlearn.units.{unit}.scenario")).values():
            if isinstance(value, type) and issubclass(value, Scenario) and value is not Scenario:
                found[value.__name__] = value
    return found
