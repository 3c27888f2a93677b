"""The room of packs: several coupons at once, all or nothing 新人礼包."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.packs.api import router
from services.coupon.packs.giving import PackGiving
from services.coupon.packs.managing import Packs
from services.coupon.wallet.room import WalletRoom
from shared.contracts import ProfileCreated
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


class PacksRoom(Room):
    """Offers nothing: a pack is claimed, or given to who has just become a customer."""

    def __init__(self, kit: Kit, wallet: WalletRoom, abuse: AbuseRoom) -> None:
        giving = PackGiving(kit, wallet.granting, wallet.reading, abuse.watch)
        self.routers = [router]
        self.provides = [Packs(kit), giving]
        self.subscriptions = [Subscription("coupon.packs", (ProfileCreated,), giving.on_profile)]
