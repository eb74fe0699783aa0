"""Clocks, tasks, locks and the trace: the ground that queues and workers run on."""
