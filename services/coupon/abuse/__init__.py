"""Abuse 风控: guesses are counted, rates limited, the known refused, before a coupon is given."""
