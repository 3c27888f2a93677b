"""Tracking 事件采集: the Segment HTTP API, from raw bytes to stored events."""
