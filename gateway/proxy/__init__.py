"""The hot path: what every request passes on its way to a part, as plain ASGI."""
