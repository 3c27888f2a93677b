"""Who changed what at the door: an append-only log of administrative calls."""
