"""Logs: partitions, offsets, consumer groups, and state as a fold over events."""
