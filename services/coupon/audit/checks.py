"""The identities of the service, each as one statement that selects the rows that break it; a file for each room.

One statement sees one state of the database, so that work going on meanwhile raises no false alarm.
"""

from services.coupon.audit.cash_back_checks import CASH_BACK_CHECKS
from services.coupon.audit.checkout_checks import CHECKOUT_CHECKS
from services.coupon.audit.codes_checks import CODES_CHECKS
from services.coupon.audit.draws_checks import DRAWS_CHECKS
from services.coupon.audit.packs_checks import PACKS_CHECKS
from services.coupon.audit.promotions_checks import PROMOTIONS_CHECKS
from services.coupon.audit.redemption_checks import REDEMPTION_CHECKS
from services.coupon.audit.refunds_checks import REFUNDS_CHECKS
from services.coupon.audit.review_checks import REVIEW_CHECKS
from services.coupon.audit.scanning_checks import SCANNING_CHECKS
from services.coupon.audit.sharing_checks import SHARING_CHECKS
from services.coupon.audit.wallet_checks import WALLET_CHECKS

CHECKS = (
    *WALLET_CHECKS,
    *PACKS_CHECKS,
    *CODES_CHECKS,
    *SHARING_CHECKS,
    *SCANNING_CHECKS,
    *DRAWS_CHECKS,
    *PROMOTIONS_CHECKS,
    *CHECKOUT_CHECKS,
    *CASH_BACK_CHECKS,
    *REFUNDS_CHECKS,
    *REDEMPTION_CHECKS,
    *REVIEW_CHECKS,
)
"""Proof that counters, locks, shares and ledger agree."""
