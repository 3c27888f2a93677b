"""The four services. Each owns its data and its part of `/v1`; they never import each other."""
