"""Routes against abuse: for operators only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.abuse.denying import Denials
from services.coupon.abuse.limiting import VelocityRules
from services.coupon.abuse.reviewing import Reviewing
from services.coupon.abuse.rules import Action, Subject
from services.coupon.abuse.schemas import (
    CaseDetail,
    CaseView,
    DecisionIn,
    DenialIn,
    DenialView,
    DeniedSubject,
    RuleIn,
    RulePatch,
    RuleView,
    Status,
)
from shared.web import Caller, ExternalId, Forbidden, Page, PageParams, Provided, needs

router = APIRouter(prefix="/v1/abuse", tags=["abuse"])
AbuseRead = Annotated[Caller, Depends(needs("coupon:abuse:read"))]
AbuseWrite = Annotated[Caller, Depends(needs("coupon:abuse:write"))]
Rules = Annotated[VelocityRules, Provided(VelocityRules)]
Lists = Annotated[Denials, Provided(Denials)]
Queue = Annotated[Reviewing, Provided(Reviewing)]


def _operator(caller: Caller) -> None:
    """No shopper's token may look into this, whatever its scopes."""
    if caller.customer_id is not None:
        raise Forbidden("operators_only", "This is for the merchant's operators, not for shoppers.")


@router.post("/rules", status_code=201, summary="Make a velocity rule")
async def create_rule(caller: AbuseWrite, body: RuleIn, rules: Rules) -> RuleView:
    """频次规则. Over it `refuse` answers 429 `velocity_exceeded` with Retry-After, `review` gives and opens a case."""
    _operator(caller)
    return await rules.create(caller, body)


@router.get("/rules", summary="List velocity rules")
async def list_rules(
    caller: AbuseRead, paging: PageParams, rules: Rules, subject: Subject | None = None, action: Action | None = None
) -> Page[RuleView]:
    """Newest first."""
    _operator(caller)
    return await rules.page(paging, subject, action)


@router.get("/rules/{rule_id}", summary="Read a velocity rule")
async def get_rule(caller: AbuseRead, rule_id: str, rules: Rules) -> RuleView:
    """One rule."""
    _operator(caller)
    return await rules.get(rule_id)


@router.patch("/rules/{rule_id}", summary="Change a velocity rule")
async def change_rule(caller: AbuseWrite, rule_id: str, body: RulePatch, rules: Rules) -> RuleView:
    """Limit, window or effect; what was counted stays counted."""
    _operator(caller)
    return await rules.change(rule_id, body)


@router.delete("/rules/{rule_id}", status_code=204, summary="Drop a velocity rule")
async def drop_rule(caller: AbuseWrite, rule_id: str, rules: Rules) -> None:
    """With all that was counted under it."""
    _operator(caller)
    await rules.drop(rule_id)


@router.post("/denials", status_code=201, summary="Put somebody on the deny list")
async def create_denial(caller: AbuseWrite, body: DenialIn, denials: Lists) -> DenialView:
    """黑名单. A device or address is kept as a keyed hash. 409 `already_denied`."""
    _operator(caller)
    return await denials.create(caller, body)


@router.get("/denials", summary="List the deny list")
async def list_denials(
    caller: AbuseRead,
    paging: PageParams,
    denials: Lists,
    subject: DeniedSubject | None = None,
    value: Annotated[
        ExternalId | None, Query(description="as it was sent; give its subject too (default customer)")
    ] = None,
) -> Page[DenialView]:
    """Newest first."""
    _operator(caller)
    return await denials.page(paging, subject, value)


@router.get("/denials/{denial_id}", summary="Read an entry of the deny list")
async def get_denial(caller: AbuseRead, denial_id: str, denials: Lists) -> DenialView:
    """One entry."""
    _operator(caller)
    return await denials.get(denial_id)


@router.delete("/denials/{denial_id}", status_code=204, summary="Take somebody off the deny list")
async def drop_denial(caller: AbuseWrite, denial_id: str, denials: Lists) -> None:
    """They may claim again, within a second at every process."""
    _operator(caller)
    await denials.drop(denial_id)


@router.get("/cases", summary="List cases to review")
async def list_cases(
    caller: AbuseRead,
    paging: PageParams,
    queue: Queue,
    status: Status | None = None,
    subject: Subject | None = None,
    customer_id: Annotated[ExternalId | None, Query(description="with a coupon of this customer")] = None,
) -> Page[CaseView]:
    """The review queue 审核队列: `?status=open`, each case with its score and reasons in English and Chinese."""
    _operator(caller)
    return await queue.page(paging, status, subject, customer_id)


@router.get("/cases/{case_id}", summary="Read a case and its coupons")
async def get_case(caller: AbuseRead, case_id: str, queue: Queue) -> CaseDetail:
    """One case."""
    _operator(caller)
    return await queue.get(case_id)


@router.post("/cases/{case_id}/decide", summary="Decide on a case")
async def decide_case(caller: AbuseWrite, case_id: str, body: DecisionIn, queue: Queue) -> CaseDetail:
    """`clear`, `void` (its coupons are taken back) or `deny` (that, and its subject gets nothing more). 409 `case_decided`."""
    _operator(caller)
    return await queue.decide(caller, case_id, body)
