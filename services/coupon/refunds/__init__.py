"""Refunds 退款: what returned goods give back, to the customer and to whoever paid the discounts."""
