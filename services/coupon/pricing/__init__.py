"""What a cart costs with the customer's coupons: a pure engine, and the quote that asks it."""
