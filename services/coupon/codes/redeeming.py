"""Redeeming a code into the wallet 兑换. Everybody types DOUBLE11 at midnight: asks that arrive together share a transaction."""

from collections.abc import Sequence

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.codes.problems import coupon_invalid
from services.coupon.codes.resolving import Ask, Refused, Resolving
from services.coupon.codes.schemas import RedeemIn
from services.coupon.wallet.queries import Wallet
from shared.batching import GroupCommit
from shared.db import Transaction
from shared.service import Kit
from shared.web import HotRequest, Keyed, Submission, TooManyRequests, client_of


class Redeeming:
    """Takes codes and answers each by itself."""

    def __init__(self, kit: Kit, codes: Resolving, wallet: Wallet, attempts: AttemptLimiter, max_batch: int) -> None:
        self._codes = codes
        self._wallet = wallet
        self._attempts = attempts
        work: Keyed[Ask, bytes | Refused] = Keyed(kit, self._work)
        self.group: GroupCommit[Submission[Ask], bytes | Refused] = GroupCommit(
            "coupon.codes", kit.db, work, max_batch=max_batch
        )

    async def redeem_code(self, request: HotRequest[RedeemIn]) -> bytes:
        """The coupon as JSON. Raises `coupon_invalid`, what the template says of the customer, `too_many_attempts`."""
        caller, body = request.caller, request.body
        caller.require_customer(body.customer_id)
        client = client_of(request.scope)
        async with self._attempts.admit(client, body.customer_id, denied=coupon_invalid()) as attempt:
            ask = Ask(body.code, body.customer_id, caller, request.request_id, attempt.origin)
            answer = await self.group.submit(request.submission(ask))
            if isinstance(answer, Refused):
                if not isinstance(answer.problem, TooManyRequests):
                    attempt.failed(answer.template_id)
                raise answer.problem
            return answer

    async def _work(self, tx: Transaction, asks: Sequence[Ask]) -> Sequence[bytes | Refused]:
        answers = await self._codes.redeem(tx, asks)
        known = [answer.coupon_id for answer in answers if not isinstance(answer, Refused) and answer.body is None]
        views = await self._wallet.views(tx, known)
        return [
            answer if isinstance(answer, Refused) else answer.body or views[answer.coupon_id].model_dump_json().encode()
            for answer in answers
        ]
