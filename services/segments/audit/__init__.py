"""Audit 稽核: memberships, log, counts and rules say the same."""
