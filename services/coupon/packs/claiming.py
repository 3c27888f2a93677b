"""Packs come to customers 领取礼包: all coupons of a pack in one transaction, or none and the item that failed."""

from dataclasses import dataclass

from services.coupon.abuse.cache import ControlsCache
from services.coupon.packs import repository
from services.coupon.packs.management import lock_pack, unknown_pack
from services.coupon.packs.models import CouponPack, PackClaim
from services.coupon.packs.schemas import PackClaimIn, PackClaimView
from services.coupon.packs.views import claim_view
from services.coupon.refusals import refusal
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.queries import Wallet
from services.coupon.wishes import NOWHERE, Granted, Origin, Wish
from shared.db import Transaction
from shared.ids import new_id
from shared.observability.context import current_cause
from shared.service import Kit
from shared.web import MERCHANT, Caller, Client, NotFound, Page, Paging, Problem, invalid


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose pack it is, the how manieth of theirs, and who asked for it."""

    customer_id: str
    number: int
    actor: str
    owner_id: str = MERCHANT
    origin: Origin = NOWHERE


class PackClaims:
    """Claims of packs, by shoppers and for newcomers."""

    def __init__(self, kit: Kit, granting: Granting, wallet: Wallet, controls: ControlsCache) -> None:
        self._kit = kit
        self._granting = granting
        self._wallet = wallet
        self._controls = controls

    async def claim(self, caller: Caller, client: Client, pack_id: str, body: PackClaimIn) -> PackClaimView:
        """All coupons of the pack. Raises the refusal of the first item that can't be given, named in `item`."""
        caller.require_customer(body.customer_id)
        origin = await self._controls.origin(client, body.customer_id)
        async with self._kit.db.write() as tx:
            pack = await lock_pack(tx, pack_id)
            if not caller.offered(pack.owner_id):
                raise unknown_pack()
            last = await repository.last_number(tx, pack_id, body.customer_id)
            number = body.number or last + 1
            if number > last + 1:
                raise invalid("#/number", "out_of_turn", f"This customer's next pack is number {last + 1}.")
            if number > last:  # else it is asked again: the same answer
                turn = Turn(body.customer_id, number, caller.actor, caller.owner_id, origin)
                refused = await self._give(tx, pack, turn)
                if refused is not None:
                    raise refused
            return await self._view(tx, await repository.find_number(tx, caller, pack_id, body.customer_id, number))

    async def give_next(self, tx: Transaction, pack_id: str, customer_id: str, actor: str) -> Problem | None:
        """Give the customer their next pack unasked. Answers why not; then nothing was written."""
        pack = await lock_pack(tx, pack_id)
        number = await repository.last_number(tx, pack_id, customer_id) + 1
        return await self._give(tx, pack, Turn(customer_id, number, actor))

    async def page(self, caller: Caller, pack_id: str, paging: Paging, customer_id: str | None) -> Page[PackClaimView]:
        """Claims of a pack, newest first; an end-user sees their own."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        async with self._kit.db.read() as tx:
            if await repository.find(tx, caller, pack_id) is None:
                raise unknown_pack()
            rows = await repository.page_claims(tx, paging, pack_id, caller.customer_id or customer_id)
            views = await self._views(tx, rows.data)
        return Page[PackClaimView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def read(self, caller: Caller, pack_id: str, claim_id: str) -> PackClaimView:
        """One claim. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            view = await self._view(tx, await repository.find_claim(tx, caller, pack_id, claim_id))
        caller.require_customer(view.customer_id)
        return view

    async def _give(self, tx: Transaction, pack: CouponPack, turn: Turn) -> Problem | None:
        """Give the pack, whose row is held. Answers why not; then nothing was written."""
        code = _closed(pack, turn.number)
        if code is not None:
            return refusal(code)
        claim_id = new_id("pcl")
        cause = current_cause.get().correlation_id
        wishes = [
            Wish(
                template_id=item["template_id"],
                customer_id=turn.customer_id,
                source="pack",
                actor=turn.actor,
                owner_id=turn.owner_id,
                reason=f"pack {pack.name}",
                reference=claim_id,
                correlation=cause,
                origin=turn.origin,
            )
            for item in pack.items
            for _ in range(item["quantity"])
        ]
        answers = await self._granting.grant(tx, wishes, whole=True)
        for wish, answer in zip(wishes, answers, strict=True):
            if isinstance(answer, Problem):
                quantity = sum(one.template_id == wish.template_id for one in wishes)
                answer.members["item"] = {"template_id": wish.template_id, "quantity": quantity}
                return answer
        coupon_ids = [answer.coupon_id for answer in answers if isinstance(answer, Granted)]
        row = {
            "id": claim_id,
            "owner_id": turn.owner_id,
            "pack_id": pack.id,
            "customer_id": turn.customer_id,
            "number": turn.number,
            "coupon_ids": coupon_ids,
            "coupon_count": len(coupon_ids),
            "actor": turn.actor,
            "created_at": self._kit.clock.now(),
        }
        await repository.insert_claim(tx, row)
        return None

    async def _view(self, tx: Transaction, row: PackClaim | None) -> PackClaimView:
        if row is None:
            raise NotFound("not_found", "There is no claim of this pack with this id.")
        return (await self._views(tx, [row]))[0]

    async def _views(self, tx: Transaction, rows: list[PackClaim]) -> list[PackClaimView]:
        coupons = await self._wallet.views(tx, [one for row in rows for one in row.coupon_ids])
        return [claim_view(row, coupons) for row in rows]


def _closed(pack: CouponPack, number: int) -> str | None:
    if pack.status != "active":
        return "paused:pack"
    if number > pack.per_customer:
        return "claim_limit_reached:pack"
    return "sold_out:pack" if pack.total is not None and pack.issued >= pack.total else None
