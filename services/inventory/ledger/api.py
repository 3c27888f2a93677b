"""Routes of the ledger."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.inventory.ledger.adjusting import Adjusting, Change
from services.inventory.ledger.queries import Stock
from services.inventory.ledger.rules import By
from services.inventory.ledger.safety_stock import SafetyStock
from services.inventory.ledger.schemas import (
    AdjustmentIn,
    AdjustmentView,
    AvailabilityView,
    MovementView,
    SafetyIn,
    StockView,
)
from services.inventory.ledger.views import stock_view
from shared.web import Caller, ExternalId, Instant, Page, PageParams, Provided, costs, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["stock"])
StockRead = Annotated[Caller, Depends(needs("inventory:stock:read"))]
StockWrite = Annotated[Caller, Depends(needs("inventory:stock:write"))]
AvailabilityRead = Annotated[Caller, Depends(needs("inventory:availability:read"))]
Reading = Annotated[Stock, Provided(Stock)]
Sku = Annotated[ExternalId | None, Query()]


@router.get(
    "/stock",
    summary="List stock by SKU and location",
    openapi_extra=chinese("按 SKU 和地点列出库存", "每个 SKU 在每个地点的库存。"),
)
async def list_stock(
    caller: StockRead, stock: Reading, paging: PageParams, sku: Sku = None, location_id: Sku = None
) -> Page[StockView]:
    """Stock per SKU and location."""
    return await stock.levels(paging, sku, location_id)


@router.get(
    "/stock/movements",
    summary="List stock movements",
    openapi_extra=chinese("列出库存变动", "只增不改的流水，新的在前。"),
)
async def list_movements(
    caller: StockRead,
    stock: Reading,
    paging: PageParams,
    sku: Sku = None,
    location_id: Sku = None,
    reservation_id: Sku = None,
) -> Page[MovementView]:
    """The append-only ledger, newest first."""
    return await stock.movements(paging, sku, location_id, reservation_id)


@router.post(
    "/stock/adjustments",
    status_code=201,
    summary="Adjust stock, all lines or none",
    openapi_extra=chinese("调整库存，全部行或一行不调", "变更库存：全部行一起成功或失败，不会低于零。"),
)
async def adjust_stock(
    caller: StockWrite,
    body: AdjustmentIn,
    adjusting: Annotated[Adjusting, Provided(Adjusting)],
    response: Response,
) -> AdjustmentView:
    """Change stock: all lines or none, never below zero."""
    costs(response, len(body.lines))
    changes = [Change(n, line.sku, line.location_id, line.state, line.change) for n, line in enumerate(body.lines)]
    made, before = await adjusting.adjust(caller, changes, body.reason, body.reference, body.remark)
    if before:
        response.headers["Idempotent-Replayed"] = "true"
    return AdjustmentView.model_validate(made)


@router.put(
    "/stock/safety",
    summary="Set safety stock and the low threshold",
    openapi_extra=chinese("设定安全库存与低库存线", "保留一部分不售，并设定多少算低库存；省略的字段保持原样。"),
)
async def set_safety_stock(
    caller: StockWrite, body: SafetyIn, safety_stock: Annotated[SafetyStock, Provided(SafetyStock)]
) -> StockView:
    """Keep units back, and set when a level counts as low; what is left out stays as it is."""
    by = By(caller.actor, body.remark)
    return stock_view(await safety_stock.change((body.sku, body.location_id), body.settings(), by))


@router.get(
    "/availability",
    summary="Read what can be sold now",
    openapi_extra=chinese("读取当前可售量", "当前可以销售的数量。可公开密钥只得知有没有货，不含准确数量和地点。"),
)
async def read_availability(
    caller: AvailabilityRead,
    stock: Reading,
    sku: Annotated[
        list[ExternalId], Query(min_length=1, max_length=100, description="up to 100, repeated; 20 for shoppers")
    ],
    response: Response,
    channel: Annotated[ExternalId | None, Query(max_length=40)] = None,
    at: Annotated[Instant | None, Query(description="Now (default) or later")] = None,
) -> AvailabilityView:
    """What can be sold now. A publishable key is told whether there is any, no exact figure and no places."""
    costs(response, len(sku))
    return await stock.availability(caller, sku, channel, at)
