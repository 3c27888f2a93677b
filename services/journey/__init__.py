"""The journey service: customer journeys 旅程, messages 消息, the in-app inbox 站内信."""
