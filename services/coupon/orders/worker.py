"""Forgets messages that matched no checkout, after a month: most orders of a shop have no coupons."""

from datetime import timedelta

from services.coupon.orders import repository
from shared.service import Kit

_UNMATCHED_KEPT = timedelta(days=30)


class Forgetting:
    """`tick` is the body of the loop."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def tick(self) -> bool:
        """Forget some. True: more may wait."""
        return await repository.forget_unmatched(self._kit.db, self._kit.clock.now() - _UNMATCHED_KEPT)
