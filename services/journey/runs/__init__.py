"""Runs as operators and programs see them."""
