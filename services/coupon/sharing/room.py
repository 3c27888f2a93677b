"""The room of share-to-get 分享得券."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.sharing.api import router
from services.coupon.sharing.helping import Sharing
from services.coupon.sharing.offering import ShareOffers
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


class SharingRoom(Room):
    """Offers nothing: rewards are coupons in wallets."""

    def __init__(self, kit: Kit, wallet: WalletRoom, abuse: AbuseRoom) -> None:
        self.routers = [router]
        self.provides = [ShareOffers(kit), Sharing(kit, wallet.granting, wallet.reading, abuse.watch)]
