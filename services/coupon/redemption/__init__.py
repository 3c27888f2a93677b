"""Store redemption 门店核销: a coupon is shown as a signed, short-lived token and used at a till, on line or off it."""
