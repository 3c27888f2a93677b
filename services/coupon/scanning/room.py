"""The room of QR codes in shops 扫码领券."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.scanning.api import router
from services.coupon.scanning.redeeming import Scanning
from services.coupon.scanning.showing import ClaimCodes
from services.coupon.settings import CouponSettings
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


class ScanningRoom(Room):
    """Offers nothing: who scans gets a coupon into the wallet."""

    def __init__(self, kit: Kit, settings: CouponSettings, wallet: WalletRoom, abuse: AbuseRoom) -> None:
        zone = settings.time_zone
        self.routers = [router]
        self.provides = [
            ClaimCodes(kit, zone),
            Scanning(kit, wallet.granting, wallet.reading, abuse.guarding, zone),
        ]
