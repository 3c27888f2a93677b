"""Segments 人群: events in, people recognised, audiences kept up to date."""
