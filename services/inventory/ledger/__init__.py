"""The one ledger: levels by state, the movements that made them, and what may be sold now."""
