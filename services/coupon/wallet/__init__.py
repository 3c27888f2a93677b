"""The coupons in customers' hands: claimed, issued, voided, expired, with the ledger of every change."""
