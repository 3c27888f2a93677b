"""What is looked at after coupons were given: scores, cases, and what a person decides on them."""
