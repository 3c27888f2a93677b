"""Runs in flight: who enters, what each step does, what wakes a run."""
