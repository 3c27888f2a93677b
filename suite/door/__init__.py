"""How callers reach a process: connections, and an end to everything that a caller can draw out."""
