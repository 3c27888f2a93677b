"""Calls that are signed instead of carrying a key 请求签名."""
