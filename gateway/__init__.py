"""The one public address of the suite: keys, limits, forwarding, webhooks out and in, docs. It holds no business rule."""
