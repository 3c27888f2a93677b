"""Coupons held by an order: lock, commit, roll back, with the frozen quote."""
