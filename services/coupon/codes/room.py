"""The room of codes 兑换码, unique and public ones."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.codes.api import redeem_route, router
from services.coupon.codes.batches import CodeBatches
from services.coupon.codes.download import Downloads
from services.coupon.codes.public_codes import PublicCodes
from services.coupon.codes.queries import CodeLookup
from services.coupon.codes.redeeming import Redeeming
from services.coupon.codes.resolving import Resolving
from services.coupon.codes.worker import CodeWorker
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class CodesRoom(Room):
    """Offers `resolving`: what a typed code stands for, and redeeming it in the transaction of who asks."""

    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    abuse: AbuseRoom
    wallet: WalletRoom

    def __post_init__(self) -> None:
        self.resolving = Resolving(self.kit, self.wallet.granting, self.wallet.outlooks, self.abuse.attempts)
        redeeming = Redeeming(
            self.kit, self.resolving, self.wallet.queries, self.abuse.attempts, self.settings.group_commit_max
        )
        worker = CodeWorker(self.kit, self.settings.code_chunk_size)
        batches = CodeBatches(self.kit, worker.wake)
        self.routers = [router]
        self.hot_routes = [redeem_route(redeeming)]
        self.provides = [self.resolving, batches, Downloads(self.kit), PublicCodes(self.kit), CodeLookup(self.kit)]
        self.loops = [worker.loop]
        self.resources = [redeeming.group.running]
