"""Use cases of the velocity rules: create, read, change, remove."""

from services.coupon.abuse import repository
from services.coupon.abuse.cache import ControlsCache
from services.coupon.abuse.schemas import RuleIn, RulePatch, RuleView
from services.coupon.abuse.views import rule_view
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


class VelocityRules:
    """What operators do with the rules. Every process keeps them within a second."""

    def __init__(self, kit: Kit, cache: ControlsCache) -> None:
        self._kit = kit
        self._cache = cache

    async def create(self, caller: Caller, body: RuleIn) -> RuleView:
        """A new rule, at work in every process within a second."""
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
            await repository.insert_rule(tx, row)
            await self._cache.changed(tx)
            return await _read(tx, str(row["id"]))

    async def page(self, paging: Paging, subject: str | None, action: str | None) -> Page[RuleView]:
        """Newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page_rules(tx, paging, subject, action)

    async def read(self, rule_id: str) -> RuleView:
        """One rule. Raises NotFound."""
        async with self._kit.db.read() as tx:
            return await _read(tx, rule_id)

    async def change(self, rule_id: str, patch: RulePatch) -> RuleView:
        """What is given. Raises NotFound."""
        given = patch.model_dump(exclude_none=True)
        if "limit" in given:
            given["most"] = given.pop("limit")
        async with self._kit.db.write() as tx:
            if not await repository.update_rule(tx, rule_id, {**given, "updated_at": self._kit.clock.now()}):
                raise _unknown()
            await self._cache.changed(tx)
            return await _read(tx, rule_id)

    async def remove(self, rule_id: str) -> None:
        """With all that was counted under it. Raises NotFound, also the second time."""
        async with self._kit.db.write() as tx:
            if not await repository.delete_rule(tx, rule_id):
                raise _unknown()
            await self._cache.changed(tx)


async def _read(tx: Transaction, rule_id: str) -> RuleView:
    row = await repository.find_rule(tx, rule_id)
    if row is None:
        raise _unknown()
    return rule_view(row)


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no velocity rule with this id.")
