"""Unit 12, backpressure and scaling: the names that its notebook and its solutions import."""

from mqlearn.units.backpressure_and_scaling.by_hand import run_scaled
from mqlearn.units.backpressure_and_scaling.desired import check_desired
from mqlearn.units.backpressure_and_scaling.desk import (
    clerk_hours,
    rebookings,
    staffed,
    wait_p95,
)
from mqlearn.units.backpressure_and_scaling.limit import check_limit
from mqlearn.units.backpressure_and_scaling.limiter import check_limiter
from mqlearn.units.backpressure_and_scaling.line import goodput_by_limit
from mqlearn.units.backpressure_and_scaling.scenario import Rush
from mqlearn.units.backpressure_and_scaling.stages import run_stages
from mqlearn.units.backpressure_and_scaling.tenants import run_tenants

__all__ = [
    "Rush",
    "goodput_by_limit",
    "run_stages",
    "run_tenants",
    "run_scaled",
    "rebookings",
    "wait_p95",
    "clerk_hours",
    "staffed",
    "check_limit",
    "check_limiter",
    "check_desired",
]
