"""Benchmarks that print a ratio to a yardstick of the same run. `make bench` writes RESULTS.md."""
