"""Logs: partitions, offsets, consumer groups, replicas, and state as a fold over events."""
