"""The offers 券模板: what a coupon gives, to whom, when, and how many there are."""
