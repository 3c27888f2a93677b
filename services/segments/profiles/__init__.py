"""Profiles 用户档案: people, their identifiers and traits."""
