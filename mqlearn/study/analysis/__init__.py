"""Analyses of a run's trace, for charts, verdicts and checks: one file for each kind of system.

Where arithmetic gives an expected value (batches, breakers, charges, loads), the formula is in the
same file as the analysis.
"""
