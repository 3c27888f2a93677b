"""The room of packs: several coupons at once, all or nothing 新人礼包."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.packs.api import router
from services.coupon.packs.claiming import PackClaims
from services.coupon.packs.handlers import Newcomers
from services.coupon.packs.management import Packs
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.contracts import ProfileCreated
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class PacksRoom(Room):
    """Offers nothing: a pack is claimed, or given to who has just become a customer."""

    kit: Kit
    templates: TemplatesRoom
    abuse: AbuseRoom
    wallet: WalletRoom

    def __post_init__(self) -> None:
        claims = PackClaims(self.kit, self.wallet.granting, self.wallet.queries, self.abuse.controls)
        self.routers = [router]
        self.provides = [Packs(self.kit), claims]
        self.subscriptions = [Subscription("coupon.packs", (ProfileCreated,), Newcomers(self.kit, claims).on_profile)]
