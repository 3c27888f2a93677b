"""The room of QR codes in shops 扫码领券."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.scanning.api import router
from services.coupon.scanning.claiming import Scanning
from services.coupon.scanning.management import ClaimCodes
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class ScanningRoom(Room):
    """Offers nothing: who scans gets a coupon into the wallet."""

    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    abuse: AbuseRoom
    wallet: WalletRoom

    def __post_init__(self) -> None:
        zone = self.settings.time_zone
        self.routers = [router]
        self.provides = [
            ClaimCodes(self.kit, zone),
            Scanning(self.kit, self.wallet.granting, self.wallet.queries, self.abuse.attempts, zone),
        ]
