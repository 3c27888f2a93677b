"""Automatic promotions 自动促销: offers that need no coupon. Their terms and use cases are those of `templates`."""
