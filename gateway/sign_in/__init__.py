"""Signing in 登录: what an operator proves, the session that follows from it, and what they do about their own account."""
