"""The claims of the labs of units 05 to 10: a scenario named in `SCENARIOS` is held by the test."""

SCENARIOS: tuple[str, ...] = ()
