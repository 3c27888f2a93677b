"""Coupons 优惠券: offers, wallets, prices, checkouts. Rooms: templates, audience, wallet, pricing, checkout, audit."""
