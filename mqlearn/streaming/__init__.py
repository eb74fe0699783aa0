"""What is taught, logs: partitions, offsets, groups, and state as a fold over events."""
