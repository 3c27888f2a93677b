"""Use cases of the customers: share an offer, help a friend 好友助力. Rewards are given where the last help is counted."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from services.coupon.abuse.cache import ControlsCache
from services.coupon.audience.queries import Audience
from services.coupon.audience.rules import not_for
from services.coupon.reasons import explain
from services.coupon.refusals import refusal
from services.coupon.sharing import repository
from services.coupon.sharing.management import unknown_offer
from services.coupon.sharing.models import ShareOffer
from services.coupon.sharing.repository import OfferedShare, Outcome
from services.coupon.sharing.rules import ShareStatus, refused_help, share_status
from services.coupon.sharing.schemas import HelperView, HelpView, ShareView
from services.coupon.sharing.views import share_view
from services.coupon.templates.terms import Scope
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.queries import Wallet
from services.coupon.wishes import Granted, Origin, Wish
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Client, Conflict, Forbidden, Gone, NotFound, Page, Paging, Problem

_REFUSALS: dict[str, type[Problem]] = {
    "own_share": Forbidden,
    "share_expired": Gone,
    "share_complete": Conflict,
    "already_helped": Conflict,
    "offer_paused": Conflict,
    "share_limit_reached": Conflict,
}


class Sharing:
    """Shares and helps."""

    def __init__(
        self, kit: Kit, audience: Audience, granting: Granting, wallet: Wallet, controls: ControlsCache
    ) -> None:
        self._kit = kit
        self._audience = audience
        self._granting = granting
        self._wallet = wallet
        self._controls = controls

    async def share(self, caller: Caller, offer_id: str, customer_id: str) -> ShareView:
        """The customer's open share of the offer, or a new one. Raises `share_limit_reached`, `offer_paused`."""
        caller.require_customer(customer_id)
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            offer = await repository.find_offer(tx, caller, offer_id)
            if offer is None:
                raise unknown_offer()
            while True:
                last = await repository.last_share(tx, offer_id, customer_id)
                if last is not None and _status(last, now) == "open" and caller.sees(last.owner_id):
                    return share_view(last, "open", whole=True)
                if offer.status != "active":
                    raise _refused("offer_paused")
                seq = 1 if last is None else last.seq + 1
                if seq > offer.per_customer:
                    raise _refused("share_limit_reached")
                # Somebody else may insert the same number first; then that share is the open one.
                row = _new_share(offer, customer_id, seq, now) | {"owner_id": caller.owner_id}
                await repository.insert_share(tx, row)

    async def help(self, caller: Caller, client: Client, token: str, customer_id: str) -> HelpView:
        """Count a friend's help: they get their coupon and, with the last help, the sharer theirs. Again: the same answer.

        Raises `own_share`, `share_expired`, `share_complete`, `already_helped`, `offer_paused`, `not_eligible`.
        """
        caller.require_customer(customer_id)
        origin = await self._controls.origin(client, customer_id)
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            share = await repository.lock(tx, token)
            if share is None or share.token != token:
                raise _unknown()
            before = await repository.help_of(tx, share, customer_id)
            if before is not None:
                if before.share_id != share.id:
                    raise _refused("already_helped")
                return await self._help_view(tx, share, before.position, Outcome(before.coupon_id, before.refused))
            reason = refused_help(share.customer_id, _status(share, now), share.offer_status, customer_id)
            if reason is not None:
                raise _refused(reason)
            await self._refuse_old_customer(tx, share, customer_id, now)
            # First of all the key: the same friend may be helping another share of the same sharer at this moment.
            if not await repository.insert_help(tx, _new_help(share, customer_id, now)):
                raise _refused("already_helped")
            friend, reward = await self._reward(tx, share, customer_id, caller, origin)
            await repository.count_help(tx, share, friend, reward, now)
            counted = await repository.find(tx, token)
            return await self._help_view(tx, counted or share, share.helps + 1, friend)

    async def read(self, caller: Caller, name: str) -> ShareView:
        """By id or by the link's token. Others than the sharer and their owner see only how far it is, by its token."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, name)
        if row is None:
            raise _unknown()
        own = _own(caller, row)
        if not own and row.token != name:
            raise _unknown()
        return share_view(row, _status(row, self._kit.clock.now()), whole=own)

    async def page(
        self, caller: Caller, paging: Paging, offer_id: str | None, customer_id: str | None
    ) -> Page[ShareView]:
        """Shares, newest first; an end-user sees their own."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        owner, now = caller.customer_id or customer_id, self._kit.clock.now()
        async with self._kit.db.read() as tx:
            return await repository.page(
                tx, paging, offer_id, owner, lambda row: share_view(row, _status(row, now), whole=True)
            )

    async def helps(self, caller: Caller, name: str, paging: Paging) -> Page[HelperView]:
        """Who helped, in their order: for the sharer and the merchant."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, name)
            if row is None or not _own(caller, row):
                raise _unknown()
            return await repository.page_helps(tx, paging, row.id)

    async def _refuse_old_customer(self, tx: Transaction, share: OfferedShare, customer_id: str, now: datetime) -> None:
        if share.new_customer_days is None:
            return
        scope = Scope(new_customer_days=share.new_customer_days)
        known = await self._audience.facts(tx, [scope], [customer_id], now)
        unfit = not_for(scope, known[customer_id], now)
        if unfit is not None:
            raise refusal(unfit)

    async def _reward(
        self, tx: Transaction, share: OfferedShare, customer_id: str, caller: Caller, origin: Origin
    ) -> tuple[Outcome, Outcome]:
        """Give out what the next help of a held share earns: to the friend, and with the last one to the sharer."""
        wishes: dict[str, Wish] = {}
        if share.friend_template_id is not None:
            wishes["friend"] = Wish(
                template_id=share.friend_template_id,
                customer_id=customer_id,
                source="share",
                actor=caller.actor,
                owner_id=caller.owner_id,
                reason="helped a friend",
                reference=f"{share.id}:friend:{customer_id}",
                origin=origin,
            )
        if share.helps + 1 == share.friends:
            wishes["reward"] = Wish(
                template_id=share.reward_template_id,
                customer_id=share.customer_id,
                source="share",
                actor=caller.actor,
                owner_id=share.owner_id,
                reason="enough friends helped",
                reference=f"{share.id}:reward",
            )
        granted = await self._granting.grant(tx, list(wishes.values())) if wishes else []
        given = {
            who: Outcome(answer.coupon_id) if isinstance(answer, Granted) else Outcome(refused=answer.code)
            for who, answer in zip(wishes, granted, strict=True)
        }
        return given.get("friend", Outcome()), given.get("reward", Outcome())

    async def _help_view(self, tx: Transaction, share: OfferedShare, position: int, friend: Outcome) -> HelpView:
        coupon_id = friend.coupon_id
        coupon = None if coupon_id is None else (await self._wallet.views(tx, [coupon_id]))[coupon_id]
        return HelpView(
            share_id=share.id,
            position=position,
            status=_status(share, self._kit.clock.now()),
            helps=share.helps,
            friends=share.friends,
            coupon=coupon,
            refused=friend.refused,
        )


def _own(caller: Caller, share: OfferedShare) -> bool:
    return caller.customer_id in (None, share.customer_id) and caller.sees(share.owner_id)


def _status(share: OfferedShare, now: datetime) -> ShareStatus:
    return share_status(share.helps, share.friends, share.expires_at, now)


def _new_share(offer: ShareOffer, customer_id: str, seq: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("shr"),
        "offer_id": offer.id,
        "customer_id": customer_id,
        "seq": seq,
        "token": secrets.token_urlsafe(16),
        "friends": offer.friends,
        "helps": 0,
        "expires_at": now + timedelta(hours=offer.window_hours),
        "created_at": now,
        "updated_at": now,
    }


def _new_help(share: OfferedShare, customer_id: str, now: datetime) -> dict[str, Any]:
    return {
        "share_id": share.id,
        "position": share.helps + 1,
        "offer_id": share.offer_id,
        "sharer_id": share.customer_id,
        "customer_id": customer_id,
        "created_at": now,
    }


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no such share. Check the link, or ask for a new one.")


def _refused(code: str) -> Problem:
    reason = explain(code)
    return _REFUSALS[code](code, reason.detail, detail_zh=reason.detail_zh)
