"""Webhooks from the world: sources that partners post to, and the messages that their deliveries become."""
