"""Stock set aside for orders: all lines or nothing, for a time."""
