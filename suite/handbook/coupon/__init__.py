"""What the pages about coupons in `docs/` show of the code: worked examples, states, reasons, refusals. Pure."""
