"""Inventory: one stock for every channel."""
