"""Message templates in Liquid, within limits."""
