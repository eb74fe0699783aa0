"""Measurements on genuine engines: throughput, kill -9, power cut. `python -m bench.engines`."""
