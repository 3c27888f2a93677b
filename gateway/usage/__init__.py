"""How often each key called each operation, day by day."""
