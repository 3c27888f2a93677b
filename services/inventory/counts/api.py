"""Route of counts."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.inventory.counts.counting import Counting
from services.inventory.counts.schemas import CountIn, CountView
from services.inventory.ledger.views import stock_view
from shared.web import Caller, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/stock/counts", tags=["stock"])


@router.post(
    "",
    status_code=201,
    summary="Set stock to what was counted",
    openapi_extra=chinese("按盘点结果设定库存", "把在库量设为盘点的数量，并计入盘点之后的变动。"),
)
async def count_stock(
    caller: Annotated[Caller, Depends(needs("inventory:stock:write"))],
    body: CountIn,
    counting: Annotated[Counting, Provided(Counting)],
) -> CountView:
    """Set what is on hand to what was counted, and to what has moved since."""
    level, difference = await counting.count(caller, body)
    return CountView(**stock_view(level).model_dump(), difference=difference)
