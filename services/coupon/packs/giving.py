"""Giving packs 发放礼包: all coupons of a pack in one transaction, or none and the item that failed."""

from typing import Any

from sqlalchemy import Row, func, insert, select, update

from services.coupon.abuse.book import Watch
from services.coupon.packs.managing import hold, unknown
from services.coupon.packs.models import CouponPack, PackClaim
from services.coupon.packs.schemas import PackClaimIn, PackClaimView
from services.coupon.refusals import refusal
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.reading import Wallet
from services.coupon.wishes import NOWHERE, Granted, Origin, Wish
from shared.contracts import Envelope, ProfileCreated
from shared.db import Transaction
from shared.ids import new_id
from shared.observability.context import current_cause
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, Problem, fetch_page, invalid
from shared.web.client import Client


class PackGiving:
    """Claims of packs, and packs that come by themselves."""

    def __init__(self, kit: Kit, granting: Granting, wallet: Wallet, watch: Watch) -> None:
        self._kit = kit
        self._granting = granting
        self._wallet = wallet
        self._watch = watch

    async def claim(self, caller: Caller, client: Client, pack_id: str, body: PackClaimIn) -> PackClaimView:
        """All coupons of the pack. Raises the refusal of the first item that can't be given, named in `item`."""
        caller.require_customer(body.customer_id)
        origin = await self._watch.origin(client, body.customer_id)
        async with self._kit.db.write() as tx:
            pack = await hold(tx, pack_id)
            last = await _last_number(tx, pack_id, body.customer_id)
            number = body.number or last + 1
            if number > last + 1:
                raise invalid("#/number", "out_of_turn", f"This customer's next pack is number {last + 1}.")
            if number <= last:  # asked again: the same answer
                mine = (PackClaim.c.customer_id == body.customer_id) & (PackClaim.c.number == number)
                return await self._found(tx, (PackClaim.c.pack_id == pack_id) & mine)
            claim_id = await self._give(tx, pack, body.customer_id, number, caller.actor, origin)
            return await self._found(tx, PackClaim.c.id == claim_id)

    async def on_profile(self, tx: Transaction, event: ProfileCreated, _envelope: Envelope) -> None:
        """A customer was seen for the first time: what is given to newcomers unasked. Refusals are no failures."""
        if event.customer_id is None:
            return
        chosen = select(CouponPack.c.id).where(
            CouponPack.c.auto_on == "profile_created", CouponPack.c.status == "active"
        )
        for pack_id in (await tx.execute(chosen.order_by(CouponPack.c.id))).scalars().all():
            pack = await hold(tx, pack_id)
            number = await _last_number(tx, pack_id, event.customer_id) + 1
            answer = await self._try(tx, pack, event.customer_id, number, "profile:created", NOWHERE)
            if isinstance(answer, Problem):
                self._kit.log.info("pack not given", pack_id=pack_id, code=answer.code)

    async def page(self, caller: Caller, pack_id: str, paging: Paging, customer_id: str | None) -> Page[PackClaimView]:
        """Claims of a pack, newest first; an end-user sees her own."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        chosen = select(PackClaim.table).where(PackClaim.c.pack_id == pack_id)
        owner = caller.customer_id or customer_id
        if owner is not None:
            chosen = chosen.where(PackClaim.c.customer_id == owner)
        async with self._kit.db.read() as tx:
            if (await tx.execute(select(CouponPack.c.id).where(CouponPack.c.id == pack_id))).first() is None:
                raise unknown()
            rows = await fetch_page(tx, chosen, PackClaim.c.id, paging, lambda row: row)
            views = await self._views(tx, rows.data)
        return Page[PackClaimView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def get(self, caller: Caller, pack_id: str, claim_id: str) -> PackClaimView:
        async with self._kit.db.read() as tx:
            view = await self._found(tx, (PackClaim.c.id == claim_id) & (PackClaim.c.pack_id == pack_id))
        caller.require_customer(view.customer_id)
        return view

    async def _give(
        self, tx: Transaction, pack: Row[Any], customer_id: str, number: int, actor: str, origin: Origin
    ) -> str:
        answer = await self._try(tx, pack, customer_id, number, actor, origin)
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def _try(
        self, tx: Transaction, pack: Row[Any], customer_id: str, number: int, actor: str, origin: Origin
    ) -> str | Problem:
        """The id of the claim, or why not; then nothing was written. The pack's row is held."""
        code = _closed(pack, number)
        if code is not None:
            return refusal(code)
        claim_id = new_id("pcl")
        cause = current_cause.get().correlation_id
        wishes = [
            Wish(
                template_id=item["template_id"],
                customer_id=customer_id,
                source="pack",
                actor=actor,
                reason=f"pack {pack.name}",
                reference=claim_id,
                correlation=cause,
                origin=origin,
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
            "pack_id": pack.id,
            "customer_id": customer_id,
            "number": number,
            "coupon_ids": coupon_ids,
            "coupon_count": len(coupon_ids),
            "actor": actor,
            "created_at": self._kit.clock.now(),
        }
        await tx.execute(insert(PackClaim.table), row)
        await tx.execute(
            update(CouponPack.table).where(CouponPack.c.id == pack.id).values(issued=CouponPack.c.issued + 1)
        )
        return claim_id

    async def _found(self, tx: Transaction, which: Any) -> PackClaimView:
        row = (await tx.execute(select(PackClaim.table).where(which))).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no claim of this pack with this id.")
        return (await self._views(tx, [row]))[0]

    async def _views(self, tx: Transaction, rows: list[Row[Any]]) -> list[PackClaimView]:
        coupons = await self._wallet.views(tx, [one for row in rows for one in row.coupon_ids])
        return [PackClaimView(**{**row._mapping, "coupons": [coupons[one] for one in row.coupon_ids]}) for row in rows]


async def _last_number(tx: Transaction, pack_id: str, customer_id: str) -> int:
    mine = (PackClaim.c.pack_id == pack_id) & (PackClaim.c.customer_id == customer_id)
    return int(await tx.scalar(select(func.coalesce(func.max(PackClaim.c.number), 0)).where(mine)))


def _closed(pack: Row[Any], number: int) -> str | None:
    if pack.status != "active":
        return "paused:pack"
    if number > pack.per_customer:
        return "claim_limit_reached:pack"
    return "sold_out:pack" if pack.total is not None and pack.issued >= pack.total else None
