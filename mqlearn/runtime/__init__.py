"""What everything runs on: two clocks with the same few verbs, a worker pool, a trace."""
