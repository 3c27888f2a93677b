"""Proof that counters, locks, shares and ledger agree."""
