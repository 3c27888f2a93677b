"""Copies of facts about customers that eligibility is decided on: segments, tier, orders, since when known."""
