"""Profiles 用户档案: people, their identifiers and traits; whose event it is."""
