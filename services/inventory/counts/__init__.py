"""Counts by hand 盘点: what is really there replaces what was thought to be."""
