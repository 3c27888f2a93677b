"""The preview 试算预览: a cart priced with drafts, for marketers. Stores nothing."""

from asyncio import to_thread
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.coupon.pricing.candidates import Candidate, sort_out, with_the_carts
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.conflicts import Conflict, conflicts
from services.coupon.pricing.engine import reprice
from services.coupon.pricing.live_offers import live_offers
from services.coupon.pricing.occasions import LiveOffer
from services.coupon.pricing.offers import Offer, Refusal
from services.coupon.pricing.on_offer import OfferReader
from services.coupon.pricing.preview_schemas import (
    ConflictOffer,
    ConflictView,
    DraftFault,
    DraftIn,
    PreviewIn,
    PreviewView,
)
from services.coupon.pricing.quoting import Quoting, best_price, vouched
from services.coupon.pricing.stacks import MOST_WORK, stack_fault, strengths
from services.coupon.pricing.strengths import Strength
from services.coupon.pricing.views import quote_json
from services.coupon.reasons import explain
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.rules import OfferKind, faults
from services.coupon.templates.validity import FOREVER, window
from shared.service import Kit
from shared.web import Caller, Forbidden

MOST_COMPARED = 30
MOST_PRICED_LINES = 10_000
"""Lines that stacks are priced of. With many drafts on a large cart each is tried with fewer of the others."""

FAULTS_WORK = 4 * MOST_WORK
"""What the guard against free orders may work for all drafts of a preview: some tenths of a second."""


class Previewing:
    """Tries drafts on carts."""

    def __init__(self, kit: Kit, terms: TermsCache, offers: OfferReader, quoting: Quoting) -> None:
        self._kit = kit
        self._terms = terms
        self._offers = offers
        self._quoting = quoting

    async def preview(self, caller: Caller, body: PreviewIn) -> PreviewView:
        """What the drafts give on this cart and why, which stacks go too far, and what would refuse the drafts."""
        if caller.shopper:
            raise Forbidden("operators_only", "This is for the merchant's operators, not for shoppers.")
        vouched(caller, body)
        async with self._quoting.turn(body, long=True):
            return await self._preview(caller, body)

    async def _preview(self, caller: Caller, body: PreviewIn) -> PreviewView:
        now = body.at or self._kit.clock.now()
        drafts = {draft.ref: _candidate(draft, now) for draft in body.drafts}
        async with self._kit.db.read() as tx:
            live = await live_offers(tx, self._terms, caller, body.currency, now)
            running = await self._offers.promotions(tx, [body.currency], now) if body.live else []
            candidates = {**drafts, **{one.id: one for one in running}}
            moment = await self._quoting.moment(tx, body, list(candidates.values()), now)
        wanted = list(drafts) if body.coupons == "best" else list(dict.fromkeys(body.coupons))
        refused = {ref: Refusal.of("not_found") for ref in wanted if ref not in drafts}
        cart = body.priced()
        usable, unfit = sort_out(candidates.values(), moment)
        refused |= with_the_carts({one: unfit[one] for one in drafts if one in unfit}, drafts, cart)
        priced = [one for one in usable if one.id in wanted or one.id not in drafts]
        # Seconds of arithmetic at worst: not while everybody else waits.
        answer = await to_thread(best_price, cart, priced, body.points)
        refused.update(answer.refused)
        shown = {one: refused[one] for one in [*wanted, *(one.id for one in running)] if one in refused}
        tried = [one.offer() for one in usable if one.id in drafts]
        compared, found = await to_thread(_compare, cart, tried, live)
        wrong = await to_thread(_faults, body.drafts, live, now)
        names = {**{one.id: one.name for one in live}, **{ref: draft.name for ref, draft in drafts.items()}}
        return PreviewView(
            **quote_json(answer, candidates, shown, now, drafts),
            conflicts=[_conflict(ref, one, live, names, body.currency) for ref, one in found],
            compared_with=compared,
            faults=wrong,
        )


def _compare(cart: Cart, tried: Sequence[Offer], live: Sequence[LiveOffer]) -> tuple[int, list[tuple[str, Conflict]]]:
    """How many live offers were compared, and the stacks that go too far by the draft's ref."""
    most = MOST_PRICED_LINES // (len(cart.lines) * max(1, len(tried)))
    strong = _strongest(cart, [_offer(one) for one in live])[:most]
    found = [
        (draft.id, one)
        for draft in tried
        for one in conflicts(cart, draft, [*[other for other in tried if other.id != draft.id][:most], *strong])
    ]
    return len(strong), found


def _strongest(cart: Cart, live: Sequence[Offer]) -> list[Offer]:
    """Those that take most off this cart by themselves: they go too far first."""
    taken = {offer.id: sum(use.amount for use in reprice(cart, [offer]).uses) for offer in live}
    useful = [offer for offer in live if taken[offer.id]]
    return sorted(useful, key=lambda offer: -taken[offer.id])[:MOST_COMPARED]


def _candidate(draft: DraftIn, now: datetime) -> Candidate:
    starts, ends = window(draft.validity, now)
    taken_here = draft.automatic or draft.limits.budget_on == "redemption"
    return Candidate(
        id=draft.ref,
        template_id=draft.ref,
        terms_version=1,
        terms=draft.terms(),
        name=draft.name,
        currency=draft.currency,
        valid_from=starts,
        valid_until=ends,
        budget_left=draft.limits.budget if taken_here else None,
        automatic=draft.automatic,
    )


def _offer(live: LiveOffer) -> Offer:
    return Offer(live.id, live.id, live.terms, live.terms.validity.until or FOREVER, automatic=live.automatic)


def _faults(drafts: Sequence[DraftIn], live: Sequence[LiveOffer], now: datetime) -> list[DraftFault]:
    """What would refuse each draft. Many drafts share `FAULTS_WORK`: then some stacks are not looked at."""
    known = strengths(live)
    most_work = min(MOST_WORK, FAULTS_WORK // len(drafts))
    return [fault for draft in drafts for fault in _of_draft(draft, live, known, now, most_work)]


def _of_draft(
    draft: DraftIn, live: Sequence[LiveOffer], known: Mapping[str, Strength], now: datetime, most_work: int
) -> list[DraftFault]:
    kind: OfferKind = "promotion" if draft.automatic else "coupon"
    terms = draft.terms()
    new = LiveOffer(draft.ref, draft.name, terms, draft.automatic)
    stack = stack_fault(new, live, now, draft.currency, most_work, known)
    certain = stack is not None and (stack.lines or most_work == MOST_WORK)
    return [
        DraftFault(
            ref=draft.ref,
            pointer=one.pointer,
            code=one.code,
            detail=one.detail,
            offers=list(one.offers),
            example_lines=[dict(line) for line in one.lines] or None,
        )
        for one in [*faults(terms, draft.limits, kind), *([stack] if stack is not None and certain else [])]
    ]


def _conflict(
    ref: str, conflict: Conflict, live: Sequence[LiveOffer], names: dict[str, str], currency: str
) -> ConflictView:
    automatic = {one.id: one.automatic for one in live}
    offers = []
    for one in conflict.offers:
        called = {True: "promotion_id", False: "template_id", None: "ref"}[automatic.get(one)]
        offers.append(ConflictOffer.model_validate({called: one, "name": names[one]}))
    reason = explain(f"stack:{conflict.kind}", currency=currency, amount=conflict.amount)
    return ConflictView(
        ref=ref,
        kind=conflict.kind,
        offers=offers,
        lines=list(conflict.lines),
        amount=conflict.amount,
        allowed=conflict.allowed,
        detail=reason.detail,
        detail_zh=reason.detail_zh,
    )
