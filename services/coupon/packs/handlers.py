"""Messages in: newcomers get the packs that are given unasked 新人自动发放."""

from services.coupon.packs import repository
from services.coupon.packs.claiming import PackClaims
from shared.contracts import Envelope, ProfileCreated
from shared.db import Transaction
from shared.service import Kit


class Newcomers:
    """Hears of customers who are seen for the first time."""

    def __init__(self, kit: Kit, claims: PackClaims) -> None:
        self._kit = kit
        self._claims = claims

    async def on_profile(self, tx: Transaction, event: ProfileCreated, _envelope: Envelope) -> None:
        """Give what newcomers get. Refusals are no failures."""
        if event.customer_id is None:
            return
        for pack_id in await repository.given_on(tx, "profile_created"):
            refused = await self._claims.give_next(tx, pack_id, event.customer_id, "profile:created")
            if refused is not None:
                self._kit.log.info("pack not given", pack_id=pack_id, code=refused.code)
