"""Route of imports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.segments.imports.importing import OrdersImport
from services.segments.imports.schemas import OrdersIn, OrdersResult
from shared.web import Caller, Provided, costs, merchant_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["imports"])
ImportsWrite = Annotated[Caller, Depends(merchant_needs("segments:imports:write"))]
Importing = Annotated[OrdersImport, Provided(OrdersImport)]


@router.post(
    "/imports/orders",
    summary="Import order history",
    openapi_extra=chinese(
        "导入历史订单", "导入历史订单：每次最多 500 个完整订单。每个订单被接受、判为重复，或被拒绝并说明原因。"
    ),
)
async def import_orders(caller: ImportsWrite, orders: Importing, body: OrdersIn, response: Response) -> OrdersResult:
    """Bring in order history: up to 500 whole orders. Each is accepted, a duplicate, or rejected with its reason."""
    costs(response, len(body.orders))
    return await orders.run(caller, body)
