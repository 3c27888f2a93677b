"""The room of share-to-get 分享得券."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.sharing.api import router
from services.coupon.sharing.management import ShareOffers
from services.coupon.sharing.sharing import Sharing
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class SharingRoom(Room):
    """Offers nothing: rewards are coupons in wallets."""

    kit: Kit
    templates: TemplatesRoom
    audience: AudienceRoom
    abuse: AbuseRoom
    wallet: WalletRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [
            ShareOffers(self.kit),
            Sharing(self.kit, self.audience.queries, self.wallet.granting, self.wallet.queries, self.abuse.controls),
        ]
