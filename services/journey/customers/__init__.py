"""What is known about customers, copied from their events."""
