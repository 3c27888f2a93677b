"""The room of tills 门店核销."""

from dataclasses import dataclass
from datetime import timedelta

from services.coupon.abuse.room import AbuseRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.redemption import repository
from services.coupon.redemption.api import router
from services.coupon.redemption.models import RedemptionToken
from services.coupon.redemption.posting import RedemptionPosting
from services.coupon.redemption.pricing import StorePricing
from services.coupon.redemption.queries import Redemptions
from services.coupon.redemption.redeeming import StoreRedeeming
from services.coupon.redemption.reversing import Reversing
from services.coupon.redemption.settling import OfflineSettling
from services.coupon.redemption.signing import Signing
from services.coupon.redemption.tokens import KEPT, RedemptionTokens
from services.coupon.refunds.room import RefundsRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.loops import Loop
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class RedemptionRoom(Room):
    """Offers `orders_of`, the orders that tills saw, as first orders are counted."""

    orders_of = staticmethod(repository.orders_of)
    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    abuse: AbuseRoom
    wallet: WalletRoom
    pricing: PricingRoom
    checkout: CheckoutRoom
    refunds: RefundsRoom

    def __post_init__(self) -> None:
        kept = timedelta(days=self.settings.offline_settle_days)
        signing = Signing(self.kit, self.kit.secret, kept)
        prices = StorePricing(self.pricing.quoting, self.templates.cache)
        posting = RedemptionPosting(self.kit, self.checkout.releasing)
        self.routers = [router]
        self.provides = [
            signing,
            RedemptionTokens(self.kit, signing, prices, self.settings),
            StoreRedeeming(self.kit, signing, prices, posting, self.abuse.attempts),
            Reversing(self.kit, self.refunds.returning, self.settings.time_zone),
            OfflineSettling(self.kit, signing, posting, self.abuse.attempts, self.settings),
            Redemptions(self.kit),
        ]
        forget = Pruner(self.kit.db, self.kit.clock, {RedemptionToken.c.expires_at: KEPT})
        self.loops = [Loop("prune tokens", forget.tick, 60.0, timed=True)]
