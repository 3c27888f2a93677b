"""Routes against abuse: for operators only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.abuse.denials import Denials
from services.coupon.abuse.rules import Action, Subject
from services.coupon.abuse.schemas import (
    DenialIn,
    DenialView,
    DeniedSubject,
    RuleIn,
    RulePatch,
    RuleView,
)
from services.coupon.abuse.velocity_rules import VelocityRules
from shared.web import Caller, ExternalId, Page, PageParams, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/abuse", tags=["abuse"])
AbuseRead = Annotated[Caller, Depends(operator_needs("coupon:abuse:read"))]
AbuseWrite = Annotated[Caller, Depends(operator_needs("coupon:abuse:write"))]
Rules = Annotated[VelocityRules, Provided(VelocityRules)]
Lists = Annotated[Denials, Provided(Denials)]


@router.post(
    "/rules",
    status_code=201,
    summary="Make a velocity rule",
    openapi_extra=chinese(
        "创建频次规则", "超过频次时，`refuse` 返回 429 `velocity_exceeded` 和 Retry-After，`review` 照常发放并立案。"
    ),
)
async def create_rule(caller: AbuseWrite, body: RuleIn, rules: Rules) -> RuleView:
    """频次规则. Over it `refuse` answers 429 `velocity_exceeded` with Retry-After, `review` gives and opens a case."""
    return await rules.create(caller, body)


@router.get("/rules", summary="List velocity rules", openapi_extra=chinese("列出频次规则", "新的在前。"))
async def list_rules(
    _: AbuseRead, paging: PageParams, rules: Rules, subject: Subject | None = None, action: Action | None = None
) -> Page[RuleView]:
    """Newest first."""
    return await rules.page(paging, subject, action)


@router.get("/rules/{rule_id}", summary="Read a velocity rule", openapi_extra=chinese("读取频次规则", "一条规则。"))
async def get_rule(_: AbuseRead, rule_id: str, rules: Rules) -> RuleView:
    """One rule."""
    return await rules.read(rule_id)


@router.patch(
    "/rules/{rule_id}",
    summary="Change a velocity rule",
    openapi_extra=chinese("修改频次规则", "修改上限、时间窗或效果；已有的计数保留。"),
)
async def change_rule(_: AbuseWrite, rule_id: str, body: RulePatch, rules: Rules) -> RuleView:
    """Limit, window or effect; what was counted stays counted."""
    return await rules.change(rule_id, body)


@router.delete(
    "/rules/{rule_id}",
    status_code=204,
    summary="Drop a velocity rule",
    openapi_extra=chinese("删除频次规则", "连同它的全部计数。"),
)
async def drop_rule(_: AbuseWrite, rule_id: str, rules: Rules) -> None:
    """With all that was counted under it."""
    await rules.remove(rule_id)


@router.post(
    "/denials",
    status_code=201,
    summary="Put somebody on the deny list",
    openapi_extra=chinese("加入黑名单", "设备或地址以带密钥的哈希保存。409 `already_denied`。"),
)
async def create_denial(caller: AbuseWrite, body: DenialIn, denials: Lists) -> DenialView:
    """黑名单. A device or address is kept as a keyed hash. 409 `already_denied`."""
    return await denials.create(caller, body)


@router.get("/denials", summary="List the deny list", openapi_extra=chinese("列出黑名单", "新的在前。"))
async def list_denials(
    _: AbuseRead,
    paging: PageParams,
    denials: Lists,
    subject: DeniedSubject | None = None,
    value: Annotated[
        ExternalId | None, Query(description="as it was sent; give its subject too (default customer)")
    ] = None,
) -> Page[DenialView]:
    """Newest first."""
    return await denials.page(paging, subject, value)


@router.get(
    "/denials/{denial_id}",
    summary="Read an entry of the deny list",
    openapi_extra=chinese("读取黑名单中的一条", "一条记录。"),
)
async def get_denial(_: AbuseRead, denial_id: str, denials: Lists) -> DenialView:
    """One entry."""
    return await denials.read(denial_id)


@router.delete(
    "/denials/{denial_id}",
    status_code=204,
    summary="Take somebody off the deny list",
    openapi_extra=chinese("移出黑名单", "一秒之内，所有进程都允许其再次领券。"),
)
async def drop_denial(_: AbuseWrite, denial_id: str, denials: Lists) -> None:
    """They may claim again, within a second at every process."""
    await denials.remove(denial_id)
