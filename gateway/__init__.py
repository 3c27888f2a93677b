"""The one public door of the suite: keys, limits, forwarding, webhooks out, docs. It holds no business rule."""
