"""Use cases of the offers: create, read, change."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, insert, select, update

from services.coupon.templates import repository
from services.coupon.templates.repository import TEMPLATE, TERMS, TermsBook
from services.coupon.templates.rules import faults
from services.coupon.templates.schemas import TemplateIn, TemplatePatch, TemplateView
from services.coupon.templates.terms import Limits, Terms
from shared.contracts import CouponTemplateChanged
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, FieldError, NotFound, Page, Paging, Unprocessable, fetch_page
from shared.web.problems import from_validation

_LIMITS = ("total", "per_customer", "per_day", "budget")


class Templates:
    """What merchants do with their offers."""

    def __init__(self, kit: Kit, book: TermsBook) -> None:
        self._kit = kit
        self._book = book

    async def create(self, body: TemplateIn) -> TemplateView:
        """Store a new offer. Raises Unprocessable when a rule refuses it."""
        terms = body.terms()
        _refuse_faults(terms, body.limits)
        now = self._kit.clock.now()
        row = {
            "id": new_id("tpl"),
            "name": body.name,
            "status": body.status,
            "currency": body.currency,
            "version": 1,
            "terms_version": 1,
            **body.limits.model_dump(),
            "issued": 0,
            "budget_spent": 0,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await repository.add(tx, row, _terms_row(row["id"], 1, terms, now))
            return await self._changed(tx, row["id"])

    async def get(self, template_id: str) -> TemplateView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, template_id)

    async def page(
        self, paging: Paging, status: str | None, name: str | None, currency: str | None
    ) -> Page[TemplateView]:
        """Newest first; `name` finds a part of the name."""
        chosen = select(TEMPLATE)
        if status is not None:
            chosen = chosen.where(TEMPLATE.c.status == status)
        if currency is not None:
            chosen = chosen.where(TEMPLATE.c.currency == currency)
        if name is not None:
            chosen = chosen.where(TEMPLATE.c.name.contains(name, autoescape=True))
        async with self._kit.db.read() as tx:
            rows = await fetch_page(tx, chosen, TEMPLATE.c.id, paging, lambda row: row)
            snapshots = await self._book.load(tx, {(row.id, row.terms_version) for row in rows.data})
        views = [_view(row, snapshots[row.id, row.terms_version].terms) for row in rows.data]
        return Page[TemplateView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def change(self, template_id: str, patch: TemplatePatch) -> TemplateView:
        """Apply a patch. Coupons that were issued keep the terms of their time."""
        given = patch.model_dump(exclude_unset=True, by_alias=True, mode="json")
        async with self._kit.db.write() as tx:
            row = (await repository.hold(tx, [template_id])).get(template_id)
            if row is None:
                raise _unknown()
            before = _view(
                row, (await self._book.load(tx, [(row.id, row.terms_version)]))[row.id, row.terms_version].terms
            )
            after = _merged(before, given)
            _refuse_faults(after.terms(), after.limits)
            _refuse_limits(row, after.limits)
            await self._store(tx, row, after)
            return await self._changed(tx, template_id)

    async def _store(self, tx: Transaction, row: Row[Any], after: TemplateIn) -> None:
        now = self._kit.clock.now()
        terms = after.terms()
        old = (await self._book.load(tx, [(row.id, row.terms_version)]))[row.id, row.terms_version].terms
        version = row.terms_version + (terms != old)
        if version != row.terms_version:
            await tx.execute(insert(TERMS), _terms_row(row.id, version, terms, now))
        values = {"name": after.name, "status": after.status, "terms_version": version, **after.limits.model_dump()}
        same = TEMPLATE.c.id == row.id
        await tx.execute(update(TEMPLATE).where(same).values(**values, version=row.version + 1, updated_at=now))

    async def _changed(self, tx: Transaction, template_id: str) -> TemplateView:
        view = await self._view(tx, template_id)
        event = CouponTemplateChanged(
            template_id=view.id,
            name_text=view.name,
            status=view.status,
            currency=view.currency,
            version_number=view.version,
        )
        await self._kit.outbox.publish(tx, [event])
        return view

    async def _view(self, tx: Transaction, template_id: str) -> TemplateView:
        row = await repository.find(tx, template_id)
        if row is None:
            raise _unknown()
        key = (row.id, row.terms_version)
        return _view(row, (await self._book.load(tx, [key]))[key].terms)


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no coupon template with this id.")


def _terms_row(template_id: str, version: int, terms: Terms, now: Any) -> dict[str, Any]:
    body = terms.model_dump(mode="json", by_alias=True)
    return {"template_id": template_id, "version": version, "terms": body, "created_at": now}


def _view(row: Row[Any], terms: Terms) -> TemplateView:
    return TemplateView(
        **{name: getattr(terms, name) for name in Terms.model_fields},
        limits=Limits(**{name: getattr(row, name) for name in _LIMITS}),
        id=row.id,
        name=row.name,
        status=row.status,
        currency=row.currency,
        version=row.version,
        issued=row.issued,
        remaining=None if row.total is None else row.total - row.issued,
        budget_spent=row.budget_spent,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _merged(before: TemplateView, given: dict[str, Any]) -> TemplateIn:
    """The whole template as the patch wants it. Raises Unprocessable where the parts don't fit together."""
    present = before.model_dump(mode="json", by_alias=True, include=set(TemplateIn.model_fields))
    if isinstance(given.get("limits"), dict):
        given = {**given, "limits": {**present["limits"], **given["limits"]}}
    try:
        return TemplateIn.model_validate({**present, **given})
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_input=False), in_body=True) from None


def _refuse_faults(terms: Terms, limits: Limits) -> None:
    found = faults(terms, limits)
    if found:
        errors = [FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in found]
        raise Unprocessable(found[0].code, found[0].detail, errors=errors)


def _refuse_limits(row: Row[Any], limits: Limits) -> None:
    """A limit may not be set under what was given out already."""
    if limits.total is not None and limits.total < row.issued:
        raise Conflict("limit_below_issued", f"{row.issued} coupons are issued; set a total of at least that.")
    if limits.budget is None or row.issued == 0:
        return
    if row.budget is None:
        raise Conflict(
            "budget_after_issue", "A budget must be set before the first coupon is issued. Make a new template."
        )
    if limits.budget < row.budget_spent:
        raise Conflict(
            "limit_below_issued", f"{row.budget_spent} of the budget is spent; set a budget of at least that."
        )
