"""Codes that turn into coupons 兑换码: unique ones in batches, public ones 公共码 for everybody."""
