"""Use cases of the offers, coupon templates and promotions alike: create, read, change."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from services.coupon.templates import lease_repository, repository
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.lease_repository import NOTHING, Leased
from services.coupon.templates.models import Template
from services.coupon.templates.problems import unknown_offer
from services.coupon.templates.rules import Fault, OfferKind, Proposal, faults, refused_step
from services.coupon.templates.schemas import OfferIn, OfferPatch, OfferView, SummaryView, TemplateIn, TemplateView
from services.coupon.templates.summary import summarise
from services.coupon.templates.terms import Limits, Terms
from shared.contracts import CouponTemplateChanged
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, FieldError, Page, Paging, Unprocessable, invalid, merged
from shared.web.ends import refuse_passed
from shared.web.patches import pointing_into

_TO_END = "To end an offer now, set its status to ended: nobody gets it any more, and what was given stays as it is."
V = TypeVar("V", bound=OfferView)
StackCheck = Callable[[Transaction, TermsCache, Proposal, datetime], Awaitable[Fault | None]]
"""What speaks against an offer beside the live ones: pricing can tell, which stands on this room."""


class Offers(Generic[V]):
    """What merchants do with their offers of one kind. A kind says how its ids begin and what its bodies look like."""

    kind: ClassVar[OfferKind]
    prefix: ClassVar[str]
    noun: ClassVar[str]
    body: ClassVar[type[OfferIn]]
    more: ClassVar[tuple[str, ...]] = ()
    """Fields that the bodies of this kind have and its table row keeps."""
    view: type[V]

    def __init__(self, kit: Kit, cache: TermsCache, check_stack: StackCheck) -> None:
        self._kit = kit
        self._cache = cache
        self._check_stack = check_stack

    async def create(self, caller: Caller, body: OfferIn) -> V:
        """Store a new offer. Raises Unprocessable when a rule refuses it."""
        if body.status == "ended":
            raise invalid("#/status", "offer_ended", "A new offer is a draft, active or paused.")
        terms = body.terms()
        self._refuse_faults(terms, body.limits)
        now = self._kit.clock.now()
        refuse_passed("#/validity/until", terms.validity.until, now, _TO_END)
        row = {
            "id": new_id(self.prefix),
            "owner_id": caller.owner_id,
            "kind": self.kind,
            "name": body.name,
            "status": body.status,
            "currency": body.currency,
            "version": 1,
            "terms_version": 1,
            **body.limits.model_dump(),
            **{name: getattr(body, name) for name in self.more},
            "ends_at": terms.validity.until,
            "issued": 0,
            "budget_spent": 0,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await self._refuse_giving_away(tx, caller, body)
            await repository.insert_offer(tx, row)
            await repository.insert_terms(tx, _terms_row(row["id"], 1, terms, now))
            return await self._changed(tx, caller, row["id"])

    async def read(self, caller: Caller, template_id: str) -> V:
        """One offer. Raises NotFound, also for another partner's."""
        async with self._kit.db.read() as tx:
            return await self._found(tx, caller, template_id)

    async def page(self, paging: Paging, status: str | None, name: str | None, currency: str | None) -> Page[V]:
        """Newest first; `name` finds a part of the name."""
        async with self._kit.db.read() as tx:
            rows = await repository.page(tx, paging, self.kind, status, name, currency)
            snapshots = await self._cache.load(tx, {(row.id, row.terms_version) for row in rows.data})
            leased = await lease_repository.unused(tx, [row.id for row in rows.data])
        views = [
            self._view(row, snapshots[row.id, row.terms_version].terms, leased.get(row.id, NOTHING))
            for row in rows.data
        ]
        return Page[V](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def change(self, caller: Caller, template_id: str, patch: OfferPatch) -> V:
        """Apply a patch. Coupons that were issued keep the terms of their time."""
        with pointing_into(patch):
            return await self._change(caller, template_id, patch)

    async def _change(self, caller: Caller, template_id: str, patch: OfferPatch) -> V:
        async with self._kit.db.write() as tx:
            if await repository.find_own(tx, caller, template_id, self.kind) is None:
                raise unknown_offer(self.noun)
            # What is leased comes back first: whoever holds a lease must see the change before the next claim.
            row = await lease_repository.lock_whole(tx, template_id)
            assert row is not None  # noqa: S101 - offers are never deleted
            if row.status == "ended" and patch.model_dump(exclude_unset=True) == {"status": "ended"}:
                return await self._viewed(tx, row)
            after = merged(self.body, await self._viewed(tx, row), patch, by_field=("limits",))
            self._refuse_faults(after.terms(), after.limits)
            if (refused := refused_step(row.status, after.status)) is not None:
                raise Conflict(*refused)
            _refuse_limits(row, after.limits)
            await self._store(tx, caller, row, after)
            return await self._changed(tx, caller, template_id)

    async def _store(self, tx: Transaction, caller: Caller, row: Template, after: OfferIn) -> None:
        now = self._kit.clock.now()
        terms = after.terms()
        old = (await self._cache.load(tx, [(row.id, row.terms_version)]))[row.id, row.terms_version].terms
        if terms.validity.until != old.validity.until:
            refuse_passed("#/validity/until", terms.validity.until, now, _TO_END)
        if terms != old or row.status != "active":
            await self._refuse_giving_away(tx, caller, after, row.id)
        version = row.terms_version + (terms != old)
        if version != row.terms_version:
            await repository.insert_terms(tx, _terms_row(row.id, version, terms, now))
        values = {
            "name": after.name,
            "status": after.status,
            "terms_version": version,
            "ends_at": terms.validity.until,
            **after.limits.model_dump(),
            **{name: getattr(after, name) for name in self.more},
        }
        await repository.update_offer(tx, row.id, {**values, "version": row.version + 1, "updated_at": now})

    async def _changed(self, tx: Transaction, caller: Caller, template_id: str) -> V:
        view = await self._found(tx, caller, template_id)
        await self._tell(tx, view)
        return view

    async def _tell(self, tx: Transaction, view: V) -> None:
        """Tell others of the change, where anybody keeps a copy."""

    async def _found(self, tx: Transaction, caller: Caller, template_id: str) -> V:
        row = await repository.find_offered(tx, caller, template_id, self.kind)
        if row is None:
            raise unknown_offer(self.noun)
        return await self._viewed(tx, row)

    async def _viewed(self, tx: Transaction, row: Template) -> V:
        key = (row.id, row.terms_version)
        leased = await lease_repository.unused(tx, [row.id])
        return self._view(row, (await self._cache.load(tx, [key]))[key].terms, leased.get(row.id, NOTHING))

    def _refuse_faults(self, terms: Terms, limits: Limits) -> None:
        found = faults(terms, limits, self.kind)
        if found:
            errors = [FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in found]
            raise Unprocessable(found[0].code, found[0].detail, errors=errors)

    async def _refuse_giving_away(
        self, tx: Transaction, caller: Caller, body: OfferIn, own_id: str | None = None
    ) -> None:
        """Raise Unprocessable where an order would be free with this offer and a live one, and nobody said so.

        A guard against oversight: two marketers who save at the same instant may still miss each other.
        """
        if body.status != "active":
            return
        proposal = Proposal(caller, own_id, body.name, self.kind, body.currency, body.terms())
        fault = await self._check_stack(tx, self._cache, proposal, self._kit.clock.now())
        if fault is not None:
            error = FieldError(pointer=fault.pointer, code=fault.code, detail=fault.detail)
            offers, lines = list(fault.offers), list(fault.lines)
            raise Unprocessable(fault.code, fault.detail, errors=[error], offers=offers, example_lines=lines)

    def _view(self, row: Template, terms: Terms, leased: Leased) -> V:
        issued = row.issued - leased.unused
        return self.view(
            **{name: getattr(terms, name) for name in Terms.model_fields},
            **{name: getattr(row, name) for name in self.more},
            limits=Limits(**{name: getattr(row, name) for name in Limits.model_fields}),
            id=row.id,
            name=row.name,
            summary=SummaryView.model_validate(summarise(terms, row.currency)),
            status=row.status,
            currency=row.currency,
            version=row.version,
            issued=issued,
            remaining=None if row.total is None else row.total - issued,
            budget_spent=row.budget_spent - leased.budget,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class Templates(Offers[TemplateView]):
    """Coupon templates 券模板: offers that customers hold copies of."""

    kind = "coupon"
    prefix = "tpl"
    noun = "coupon template"
    body = TemplateIn
    more = ("visible_in_centre",)
    view = TemplateView

    async def _tell(self, tx: Transaction, view: TemplateView) -> None:
        event = CouponTemplateChanged(
            template_id=view.id,
            name_text=view.name,
            status=view.status,
            currency=view.currency,
            version_number=view.version,
        )
        await self._kit.outbox.publish(tx, [event])


def _terms_row(template_id: str, version: int, terms: Terms, now: datetime) -> dict[str, Any]:
    body = terms.model_dump(mode="json", by_alias=True)
    return {"template_id": template_id, "version": version, "terms": body, "created_at": now}


def _refuse_limits(row: Template, limits: Limits) -> None:
    """A limit may not be set under what was given out already."""
    if limits.total is not None and limits.total < row.issued:
        raise Conflict("limit_below_issued", f"{row.issued} are given out; set a total of at least that.")
    if row.issued and row.budget is not None and limits.budget_on != row.budget_on:
        raise Conflict(
            "budget_after_issue", "What a budget is taken on stays as it was at the first issue. Make a new offer."
        )
    if limits.budget is None or row.issued == 0:
        return
    if row.budget is None:
        raise Conflict(
            "budget_after_issue", "A budget must be set before the first one is given out. Make a new offer."
        )
    if limits.budget < row.budget_spent:
        raise Conflict(
            "limit_below_issued", f"{row.budget_spent} of the budget is spent; set a budget of at least that."
        )
