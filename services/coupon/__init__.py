"""Coupons 优惠券: offers, wallets, prices, checkouts."""
