"""Events 行为事件: what somebody did, sound and stored."""
