"""The documentation that the suite serves itself: one OpenAPI document, its page, the event types."""
