"""The proof that no run is stuck and every count is right."""
