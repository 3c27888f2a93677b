"""Routes of the draws."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from services.coupon.draws.audit import DrawAudit
from services.coupon.draws.drawing import Drawing
from services.coupon.draws.management import Draws
from services.coupon.draws.schemas import DrawAuditView, DrawIn, DrawnView, DrawView, Status, TicketIn, TicketView
from shared.web import Caller, ClientFacts, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/draws", tags=["draws"])
DrawsRead = Annotated[Caller, Depends(needs("coupon:draws:read"))]
DrawsWrite = Annotated[Caller, Depends(needs("coupon:draws:write"))]
TicketsRead = Annotated[Caller, Depends(needs("coupon:tickets:read"))]
TicketsWrite = Annotated[Caller, Depends(needs("coupon:tickets:write"))]
AuditRead = Annotated[Caller, Depends(needs("coupon:audit:read"))]
Management = Annotated[Draws, Provided(Draws)]
Tickets = Annotated[Drawing, Provided(Drawing)]


@router.post(
    "",
    status_code=201,
    summary="Create a draw",
    openapi_extra=chinese("创建抽奖", "公示概率的抽奖；现在公布种子的哈希，结束时公布种子。"),
)
async def create_draw(caller: DrawsWrite, body: DrawIn, draws: Management) -> DrawView:
    """A lucky draw 抽奖 with stated odds; its seed's hash is published now, the seed when it is closed."""
    return await draws.create(caller, body)


@router.get("", summary="List draws", openapi_extra=chinese("列出抽奖", "抽奖，新的在前。"))
async def list_draws(
    caller: DrawsRead, paging: PageParams, draws: Management, status: Status | None = None
) -> Page[DrawView]:
    """Draws, newest first."""
    return await draws.page(paging, status)


@router.get(
    "/{draw_id}",
    summary="Read a draw with its odds",
    openapi_extra=chinese("读取抽奖及其概率", "公示的概率、每种奖品已发出的数量，以及结束后的种子。"),
)
async def get_draw(caller: DrawsRead, draw_id: str, draws: Management) -> DrawView:
    """The stated odds, how many of each prize are gone, and the seed once the draw is closed."""
    return await draws.read(caller, draw_id)


@router.post(
    "/{draw_id}/close",
    summary="Close a draw and reveal its seed",
    openapi_extra=chinese("结束抽奖并公布种子", "不再发奖票；任何人都可以重新计算全部结果。"),
)
async def close_draw(caller: DrawsWrite, draw_id: str, draws: Management) -> DrawView:
    """No more tickets; everybody can recompute them all."""
    return await draws.close(caller, draw_id)


@router.post(
    "/{draw_id}/tickets",
    status_code=201,
    summary="Draw a ticket",
    openapi_extra=chinese(
        "抽一次奖",
        "抽奖结果及其优惠券。409 `ticket_limit_reached`、`day_limit_reached`、`draw_not_started`；410 `draw_ended`。",
    ),
)
async def draw_ticket(
    caller: TicketsWrite, client: ClientFacts, draw_id: str, body: TicketIn, tickets: Tickets
) -> DrawnView:
    """The result with its coupon. 409 `ticket_limit_reached`, `day_limit_reached`, `draw_not_started`; 410 `draw_ended`."""
    return await tickets.draw(caller, client, draw_id, body)


@router.get(
    "/{draw_id}/tickets",
    summary="List the tickets of a draw",
    openapi_extra=chinese("列出抽奖的奖票", "按编号排列；终端用户只看到自己的。"),
)
async def list_tickets(
    caller: TicketsRead,
    draw_id: str,
    paging: PageParams,
    tickets: Tickets,
    customer_id: Annotated[ExternalId | None, Query(description="of this customer only")] = None,
) -> Page[TicketView]:
    """By number; an end-user sees their own."""
    return await tickets.page(caller, draw_id, paging, customer_id)


@router.get("/{draw_id}/tickets/{number}", summary="Read a ticket", openapi_extra=chinese("读取奖票", "一张奖票。"))
async def get_ticket(
    caller: TicketsRead, draw_id: str, number: Annotated[int, Path(ge=1, le=10**15)], tickets: Tickets
) -> TicketView:
    """One ticket."""
    return await tickets.read(caller, draw_id, number)


@router.get(
    "/{draw_id}/audit",
    summary="Prove a draw",
    openapi_extra=chinese("复核抽奖", "重新抽取每张奖票，指出不一致的。结束前只核对编号、哈希和数量。"),
)
async def audit_draw(
    caller: AuditRead, draw_id: str, audit: Annotated[DrawAudit, Provided(DrawAudit)]
) -> DrawAuditView:
    """Draws every ticket again and names those that differ. Before closing: numbers, hashes and quantities only."""
    return await audit.prove(caller, draw_id)
