"""Which version this is, as pyproject.toml has it: here, because a program that says so should load nothing else."""

VERSION = "0.1.0"
