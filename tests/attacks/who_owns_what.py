"""Whose is what each operation of the services touches: the table that every new route has to be put into.

- OWN: an object made under an owner. To other partners it answers as an id that nobody has.
- OFFERED: the merchant's catalogue. Partners read it and act on it, and change only what they made; another's is not there.
- SHOWN: whoever holds the code, link or token that a customer shows may use it; its object is not told.
- WALLET: a named customer's coupons and the running offers are priced whole, whoever gave them.
- SHARED: one for the whole merchant: the scope alone decides.
- CLOSED: names everybody's objects, and is not for partners whatever their scopes.

The merchant's own keys see everything.
"""

from typing import Literal

Ownership = Literal["OWN", "OFFERED", "SHOWN", "WALLET", "SHARED", "CLOSED"]

_TABLE = """
OFFERED POST /v1/coupon-templates
OFFERED GET /v1/coupon-templates
OFFERED GET /v1/coupon-templates/{template_id}
OFFERED PATCH /v1/coupon-templates/{template_id}
OWN GET /v1/coupon-templates/{template_id}/figures
OFFERED POST /v1/coupon-templates/{template_id}/claims
OFFERED POST /v1/coupon-templates/{template_id}/issues
OWN GET /v1/coupon-jobs
OWN GET /v1/coupon-jobs/{job_id}
OWN POST /v1/coupon-jobs/{job_id}/cancel
OWN GET /v1/coupon-jobs/{job_id}/results
OWN GET /v1/coupon-jobs/{job_id}/results.csv
OFFERED POST /v1/coupon-packs
OFFERED GET /v1/coupon-packs
OFFERED GET /v1/coupon-packs/{pack_id}
OFFERED PATCH /v1/coupon-packs/{pack_id}
OFFERED POST /v1/coupon-packs/{pack_id}/claims
OFFERED GET /v1/coupon-packs/{pack_id}/claims
OWN GET /v1/coupon-packs/{pack_id}/claims/{claim_id}
OFFERED GET /v1/claim-centre
OWN GET /v1/coupons
OWN GET /v1/coupons/{coupon_id}
OWN POST /v1/coupons/{coupon_id}/void
OFFERED POST /v1/promotions
OFFERED GET /v1/promotions
OFFERED GET /v1/promotions/{promotion_id}
OFFERED PATCH /v1/promotions/{promotion_id}
OWN GET /v1/promotions/{promotion_id}/figures
OFFERED POST /v1/coupon-templates/{template_id}/codes
OWN GET /v1/code-batches
OWN GET /v1/code-batches/{batch_id}
OWN GET /v1/code-batches/{batch_id}/codes
OWN GET /v1/code-batches/{batch_id}/download
OWN POST /v1/code-batches/{batch_id}/void
OWN POST /v1/public-codes
OWN GET /v1/public-codes
OWN GET /v1/public-codes/{public_code_id}
OWN PATCH /v1/public-codes/{public_code_id}
SHOWN POST /v1/codes/redeem
OWN GET /v1/codes/{code}
OFFERED POST /v1/share-offers
OFFERED GET /v1/share-offers
OFFERED GET /v1/share-offers/{offer_id}
OFFERED PATCH /v1/share-offers/{offer_id}
OFFERED POST /v1/share-offers/{offer_id}/shares
OWN GET /v1/shares
SHOWN GET /v1/shares/{token}
SHOWN POST /v1/shares/{token}/helps
OWN GET /v1/shares/{token}/helps
OWN POST /v1/claim-codes
OWN GET /v1/claim-codes
OWN GET /v1/claim-codes/figures
SHOWN POST /v1/claim-codes/redeem
OWN GET /v1/claim-codes/{claim_code_id}
OWN PATCH /v1/claim-codes/{claim_code_id}
OWN GET /v1/claim-codes/{claim_code_id}/token
OWN GET /v1/claim-codes/{claim_code_id}/qr.svg
OFFERED POST /v1/draws
OFFERED GET /v1/draws
OFFERED GET /v1/draws/{draw_id}
OFFERED POST /v1/draws/{draw_id}/close
OFFERED POST /v1/draws/{draw_id}/tickets
OFFERED GET /v1/draws/{draw_id}/tickets
OWN GET /v1/draws/{draw_id}/tickets/{number}
OFFERED GET /v1/draws/{draw_id}/audit
WALLET POST /v1/quotes
WALLET POST /v1/quotes/preview
WALLET POST /v1/checkouts
OWN GET /v1/checkouts
OWN GET /v1/checkouts/{checkout_id}
OWN POST /v1/checkouts/{checkout_id}/commit
OWN POST /v1/checkouts/{checkout_id}/rollback
OWN POST /v1/checkouts/{checkout_id}/extend
OWN POST /v1/checkouts/{checkout_id}/refunds
OWN GET /v1/checkouts/{checkout_id}/refunds
OWN POST /v1/checkouts/{checkout_id}/refunds/quote
OWN GET /v1/refunds/{refund_id}
OWN POST /v1/redemption-tokens
OWN GET /v1/redemption-tokens
OWN GET /v1/redemption-tokens/{token_id}
OWN GET /v1/redemption-tokens/{token_id}/qr.svg
SHARED GET /v1/redemption-keys
CLOSED POST /v1/redemption-keys/rotate
SHOWN POST /v1/redemptions
OWN GET /v1/redemptions
OWN GET /v1/redemptions/{redemption_id}
OWN POST /v1/redemptions/{redemption_id}/reverse
SHOWN POST /v1/redemptions/settlements
OWN GET /v1/redemption-conflicts
OWN GET /v1/redemption-conflicts/{conflict_id}
OWN POST /v1/checkouts/{checkout_id}/complete
OWN GET /v1/cash-back
OWN GET /v1/cash-back/{cash_back_id}
CLOSED GET /v1/order-messages
CLOSED GET /v1/order-messages/{message_id}
CLOSED POST /v1/abuse/rules
CLOSED GET /v1/abuse/rules
CLOSED GET /v1/abuse/rules/{rule_id}
CLOSED PATCH /v1/abuse/rules/{rule_id}
CLOSED DELETE /v1/abuse/rules/{rule_id}
CLOSED POST /v1/abuse/denials
CLOSED GET /v1/abuse/denials
CLOSED GET /v1/abuse/denials/{denial_id}
CLOSED DELETE /v1/abuse/denials/{denial_id}
CLOSED GET /v1/abuse/cases
CLOSED GET /v1/abuse/cases/{case_id}
CLOSED POST /v1/abuse/cases/{case_id}/decide
CLOSED GET /v1/audit/coupons
SHARED POST /v1/identify
SHARED POST /v1/track
SHARED POST /v1/page
SHARED POST /v1/screen
SHARED POST /v1/group
SHARED POST /v1/alias
SHARED POST /v1/batch
SHARED POST /v1/i
SHARED POST /v1/t
SHARED POST /v1/p
SHARED POST /v1/s
SHARED POST /v1/g
SHARED POST /v1/a
SHARED POST /v1/b
OWN GET /v1/tracking-rejects
OWN POST /v1/imports/orders
SHARED GET /v1/profiles
SHARED GET /v1/profiles/{customer_id}
SHARED GET /v1/profiles/{customer_id}/timeline
OFFERED POST /v1/segments
OFFERED GET /v1/segments
OFFERED POST /v1/segments/preview
OFFERED GET /v1/segments/{segment_id}
OFFERED PUT /v1/segments/{segment_id}
OFFERED PATCH /v1/segments/{segment_id}
OFFERED DELETE /v1/segments/{segment_id}
OFFERED GET /v1/segments/{segment_id}/versions
OFFERED GET /v1/segments/{segment_id}/members
OFFERED GET /v1/segments/{segment_id}/members/{customer_id}
CLOSED GET /v1/audit/segments
OFFERED POST /v1/journeys
OFFERED GET /v1/journeys
OFFERED GET /v1/journeys/{journey_id}
OFFERED PUT /v1/journeys/{journey_id}
OFFERED POST /v1/journeys/{journey_id}/publish
OFFERED POST /v1/journeys/{journey_id}/pause
OFFERED POST /v1/journeys/{journey_id}/resume
OFFERED POST /v1/journeys/{journey_id}/stop
OFFERED POST /v1/journeys/{journey_id}/entries
OFFERED POST /v1/journeys/{journey_id}/dry-run
OFFERED GET /v1/journeys/{journey_id}/runs
OFFERED GET /v1/journeys/{journey_id}/statistics
OWN GET /v1/journey-runs/{run_id}
OFFERED POST /v1/message-templates
OFFERED GET /v1/message-templates
OFFERED GET /v1/message-templates/{template_id}
OFFERED POST /v1/message-templates/{template_id}/preview
OWN GET /v1/messages
OWN GET /v1/messages/{message_id}
SHARED GET /v1/customers/{customer_id}/inbox
SHARED POST /v1/customers/{customer_id}/inbox/{message_id}/read
CLOSED GET /v1/audit/journeys
SHARED POST /v1/locations
SHARED GET /v1/locations
SHARED GET /v1/locations/{location_id}
SHARED PATCH /v1/locations/{location_id}
SHARED GET /v1/stock
OWN GET /v1/stock/movements
OWN POST /v1/stock/adjustments
SHARED POST /v1/stock/counts
SHARED PUT /v1/stock/safety
SHARED GET /v1/availability
OWN POST /v1/reservations
OWN GET /v1/reservations
OWN GET /v1/reservations/{reservation_id}
OWN POST /v1/reservations/{reservation_id}/confirm
OWN POST /v1/reservations/{reservation_id}/release
OWN POST /v1/reservations/{reservation_id}/extend
OWN POST /v1/reservations/{reservation_id}/ship
CLOSED GET /v1/audit/stock
"""

OWNERSHIP: dict[str, Ownership] = {
    line.split(" ", 1)[1]: line.split(" ", 1)[0]  # type: ignore[misc] # the test of the table compares the words
    for line in _TABLE.strip().splitlines()
}
