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

router = APIRouter(prefix="/v1", tags=["stock"])
StockRead = Annotated[Caller, Depends(needs("inventory:stock:read"))]
StockWrite = Annotated[Caller, Depends(needs("inventory:stock:write"))]
AvailabilityRead = Annotated[Caller, Depends(needs("inventory:availability:read"))]
Reading = Annotated[Stock, Provided(Stock)]
Sku = Annotated[ExternalId | None, Query()]


@router.get("/stock", summary="List stock by SKU and location")
async def list_stock(
    caller: StockRead, stock: Reading, paging: PageParams, sku: Sku = None, location_id: Sku = None
) -> Page[StockView]:
    """Stock per SKU and location."""
    return await stock.levels(paging, sku, location_id)


@router.get("/stock/movements", summary="List stock movements")
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


@router.post("/stock/adjustments", status_code=201, summary="Adjust stock, all lines or none")
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


@router.put("/stock/safety", summary="Set safety stock and the low threshold")
async def set_safety_stock(
    caller: StockWrite, body: SafetyIn, safety_stock: Annotated[SafetyStock, Provided(SafetyStock)]
) -> StockView:
    """Keep units back, and set when a level counts as low; what is left out stays as it is."""
    by = By(caller.actor, body.remark)
    return stock_view(await safety_stock.change((body.sku, body.location_id), body.settings(), by))


@router.get("/availability", summary="Read what can be sold now")
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
