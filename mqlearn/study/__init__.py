"""What is tried: faults, scenarios, runs, theory, checks."""
