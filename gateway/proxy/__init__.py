"""The hot path: what every request at the public door passes, as plain ASGI."""
