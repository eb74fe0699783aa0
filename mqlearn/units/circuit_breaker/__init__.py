"""Unit 05, circuit breaker: the names that its notebook and its solutions import."""

from mqlearn.units.circuit_breaker.by_hand import run_with_breaker
from mqlearn.units.circuit_breaker.cooldown import check_cooldown
from mqlearn.units.circuit_breaker.gate import check_gate
from mqlearn.units.circuit_breaker.scenario import GuardedCalls
from mqlearn.units.circuit_breaker.window import check_window

__all__ = ["GuardedCalls", "run_with_breaker", "check_cooldown", "check_gate", "check_window"]
