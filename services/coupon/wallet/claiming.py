"""Claims 领券: the hot path. Claims that arrive together share one transaction."""

import re
from collections.abc import Sequence

from services.coupon.abuse.cache import ControlsCache
from services.coupon.refusals import refusal
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.schemas import ClaimIn
from services.coupon.wishes import Granted, Wish
from shared.batching import GroupCommit
from shared.db import Transaction
from shared.service import Kit
from shared.web import HotRequest, Keyed, Problem, Submission, client_of

_TEMPLATE_ID = re.compile(r"tpl_[0-9A-Z]{26}", re.ASCII)


class Claiming:
    """Takes claims and answers each by itself."""

    def __init__(self, kit: Kit, granting: Granting, controls: ControlsCache, max_batch: int) -> None:
        self._granting = granting
        self._controls = controls
        work = Keyed(kit, self._work)
        self.group: GroupCommit[Submission[Wish], bytes] = GroupCommit(
            "coupon.claims", kit.db, work, max_batch=max_batch
        )

    async def claim_coupon(self, request: HotRequest[ClaimIn]) -> bytes:
        """The new coupon as JSON. Raises the refusals of `refusals`."""
        caller, customer_id = request.caller, request.body.customer_id
        caller.require_customer(customer_id)
        template_id = request.path_params["template_id"]
        if not _TEMPLATE_ID.fullmatch(template_id):
            raise refusal("not_found")  # no id of ours: nothing that the database needs to see
        origin = await self._controls.origin(client_of(request.scope), customer_id)
        wish = Wish(
            template_id=template_id,
            customer_id=customer_id,
            source="claim",
            actor=caller.actor,
            reason="claimed",
            correlation=request.request_id,
            origin=origin,
            owner_id=caller.owner_id,
            walled=caller.wall is not None,
        )
        return await self.group.submit(request.submission(wish))

    async def _work(self, tx: Transaction, wishes: Sequence[Wish]) -> Sequence[bytes | Problem]:
        answers = await self._granting.grant(tx, wishes, may_lease=True)
        return [answer.body if isinstance(answer, Granted) else answer for answer in answers]
