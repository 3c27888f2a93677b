"""The room of codes 兑换码, unique and public ones."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.codes.api import redeem_route, router
from services.coupon.codes.downloading import Downloads
from services.coupon.codes.making import CodeBatches
from services.coupon.codes.publishing import PublicCodes
from services.coupon.codes.redeeming import Redeeming
from services.coupon.codes.resolving import Codes
from services.coupon.settings import CouponSettings
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


class CodesRoom(Room):
    """Offers `resolving`: what a typed code stands for, and redeeming it in the transaction of who asks."""

    def __init__(self, kit: Kit, settings: CouponSettings, wallet: WalletRoom, abuse: AbuseRoom) -> None:
        self.resolving = Codes(kit, wallet.granting, abuse.guarding)
        redeeming = Redeeming(kit, self.resolving, wallet.reading, abuse.guarding, settings.group_commit_max)
        batches = CodeBatches(kit, settings.code_chunk_size)
        self.routers = [router]
        self.hot_routes = [redeem_route(redeeming)]
        self.provides = [self.resolving, batches, Downloads(kit, batches), PublicCodes(kit)]
        self.loops = [batches.loop]
        self.resources = [redeeming.group.running]
