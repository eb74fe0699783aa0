"""Unit 14, choosing a technology: the names that its notebook and its solutions import."""

from mqlearn.units.choosing_a_technology.adapter import check_adapter
from mqlearn.units.choosing_a_technology.cases import CASES
from mqlearn.units.choosing_a_technology.choice import rank
from mqlearn.units.choosing_a_technology.choose import check_choose
from mqlearn.units.choosing_a_technology.interpret import check_interpret
from mqlearn.units.choosing_a_technology.live import LiveOrRecorded
from mqlearn.units.choosing_a_technology.measured import kills, measurements
from mqlearn.units.choosing_a_technology.protocols import wire_requests
from mqlearn.units.choosing_a_technology.reports import REPORTS
from mqlearn.units.choosing_a_technology.scenario import EngineChoice
from mqlearn.units.choosing_a_technology.suitability import cell
from mqlearn.units.choosing_a_technology.use_cases import use_case_table
from mqlearn.units.choosing_a_technology.wire import ConnectionLost, StaleHandle

__all__ = [
    "CASES",
    "REPORTS",
    "EngineChoice",
    "LiveOrRecorded",
    "cell",
    "kills",
    "measurements",
    "rank",
    "use_case_table",
    "wire_requests",
    "ConnectionLost",
    "StaleHandle",
    "check_choose",
    "check_adapter",
    "check_interpret",
]
