"""Webhooks to the world: endpoints that partners register, and one delivery per event and endpoint."""
