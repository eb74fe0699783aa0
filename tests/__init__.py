"""Tests, room by room as in the package, and of the house around it."""
