"""Route of imports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.segments.imports.importing import OrdersImport
from services.segments.imports.schemas import OrdersIn, OrdersResult
from shared.web import Caller, Provided, costs, merchant_needs

router = APIRouter(prefix="/v1", tags=["imports"])
ImportsWrite = Annotated[Caller, Depends(merchant_needs("segments:imports:write"))]
Importing = Annotated[OrdersImport, Provided(OrdersImport)]


@router.post("/imports/orders", summary="Import order history")
async def import_orders(caller: ImportsWrite, orders: Importing, body: OrdersIn, response: Response) -> OrdersResult:
    """Bring in order history: up to 500 whole orders. Each is accepted, a duplicate, or rejected with its reason."""
    costs(response, len(body.orders))
    return await orders.run(caller, body)
