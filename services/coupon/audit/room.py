"""The room of proofs: what must hold over all other rooms' tables."""

from dataclasses import dataclass

from services.coupon.audit.api import router
from services.coupon.audit.queries import CouponAudit
from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.codes.room import CodesRoom
from services.coupon.draws.room import DrawsRoom
from services.coupon.packs.room import PacksRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.redemption.room import RedemptionRoom
from services.coupon.refunds.room import RefundsRoom
from services.coupon.review.room import ReviewRoom
from services.coupon.scanning.room import ScanningRoom
from services.coupon.sharing.room import SharingRoom
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class AuditRoom(Room):
    """Offers nothing, and reads the tables of those that it stands on."""

    kit: Kit
    templates: TemplatesRoom
    wallet: WalletRoom
    packs: PacksRoom
    codes: CodesRoom
    sharing: SharingRoom
    scanning: ScanningRoom
    draws: DrawsRoom
    pricing: PricingRoom
    cash_back: CashBackRoom
    checkout: CheckoutRoom
    refunds: RefundsRoom
    redemption: RedemptionRoom
    review: ReviewRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [CouponAudit(self.kit)]
