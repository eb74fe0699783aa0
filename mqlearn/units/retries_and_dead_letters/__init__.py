"""Unit 04, retries and dead letters: the names that its notebook and its solutions import."""

from mqlearn.units.retries_and_dead_letters.delay import check_delay
from mqlearn.units.retries_and_dead_letters.next_rate import check_next_rate
from mqlearn.units.retries_and_dead_letters.overload import RetryBudget
from mqlearn.units.retries_and_dead_letters.scenario import CardOutage
from mqlearn.units.retries_and_dead_letters.triage import check_triage

__all__ = ["CardOutage", "RetryBudget", "check_delay", "check_triage", "check_next_rate"]
