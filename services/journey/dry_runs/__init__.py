"""A journey played without effects."""
