"""Use cases of the velocity rules: make, read, change, drop."""

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from services.coupon.abuse.book import Watch
from services.coupon.abuse.models import VelocityLog, VelocityRule
from services.coupon.abuse.schemas import RuleIn, RulePatch, RuleView
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page


class VelocityRules:
    """What operators do with the rules. Every process keeps them within a second."""

    def __init__(self, kit: Kit, watch: Watch) -> None:
        self._kit = kit
        self._watch = watch

    async def create(self, caller: Caller, body: RuleIn) -> RuleView:
        now = self._kit.clock.now()
        row = {
            "id": new_id("vrl"),
            "subject": body.subject,
            "action": body.action,
            "most": body.limit,
            "window_seconds": body.window_seconds,
            "effect": body.effect,
            "created_by": caller.key_id,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await tx.execute(insert(VelocityRule.table), row)
            await self._watch.changed(tx)
            return _view(await _find(tx, str(row["id"])))

    async def page(self, paging: Paging, subject: str | None, action: str | None) -> Page[RuleView]:
        """Newest first."""
        chosen = select(VelocityRule.table)
        if subject is not None:
            chosen = chosen.where(VelocityRule.c.subject == subject)
        if action is not None:
            chosen = chosen.where(VelocityRule.c.action == action)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, VelocityRule.c.id, paging, _view)

    async def get(self, rule_id: str) -> RuleView:
        async with self._kit.db.read() as tx:
            return _view(await _find(tx, rule_id))

    async def change(self, rule_id: str, patch: RulePatch) -> RuleView:
        given = patch.model_dump(exclude_none=True)
        if "limit" in given:
            given["most"] = given.pop("limit")
        async with self._kit.db.write() as tx:
            await _find(tx, rule_id)
            chosen = update(VelocityRule.table).where(VelocityRule.c.id == rule_id)
            await tx.execute(chosen.values(**given, updated_at=self._kit.clock.now()))
            await self._watch.changed(tx)
            return _view(await _find(tx, rule_id))

    async def drop(self, rule_id: str) -> None:
        """Raises NotFound, also the second time."""
        async with self._kit.db.write() as tx:
            if not (await tx.execute(delete(VelocityRule.table).where(VelocityRule.c.id == rule_id))).rowcount:
                raise _unknown()
            await tx.execute(delete(VelocityLog.table).where(VelocityLog.c.rule_id == rule_id))
            await self._watch.changed(tx)


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no velocity rule with this id.")


async def _find(tx: Transaction, rule_id: str) -> Row[Any]:
    row = (await tx.execute(select(VelocityRule.table).where(VelocityRule.c.id == rule_id))).one_or_none()
    if row is None:
        raise _unknown()
    return row


def _view(row: Row[Any]) -> RuleView:
    return RuleView(**{**row._mapping, "limit": row.most})
