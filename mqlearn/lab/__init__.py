"""What is seen: charts of a run, the step-through of one instant, and the panel that moves them."""
