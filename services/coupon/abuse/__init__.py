"""Abuse 风控: guesses are counted, rates limited, the known refused, the odd shown to a person."""
