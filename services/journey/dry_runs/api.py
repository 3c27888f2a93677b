"""The route of the dry run."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.journey.dry_runs.queries import DryRuns
from services.journey.dry_runs.schemas import DryRunIn, DryRunView
from shared.web import Caller, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["journey runs"])
JourneysRead = Annotated[Caller, Depends(needs("journey:journeys:read"))]
Plays = Annotated[DryRuns, Provided(DryRuns)]


@router.post(
    "/journeys/{journey_id}/dry-run",
    summary="Play a journey without effects",
    openapi_extra=chinese(
        "试运行旅程",
        "用模拟的顾客和时钟走一遍最新版本：规则相同，不写入也不发送。优惠券按已发放处理；分支按 `facts` "
        "判断，没有提供时记入 `assumed`。",
    ),
)
async def dry_run_journey(caller: JourneysRead, journey_id: str, body: DryRunIn, dry_runs: Plays) -> DryRunView:
    """Walk the newest version with a simulated customer and clock (试运行): same rules, nothing written or sent.

    Coupons are taken as issued; a branch answers as `facts` tell, and is reported in `assumed` where they don't.
    """
    if body.customer_id is not None:
        caller.require_profile(body.customer_id)
    return await dry_runs.play(caller, journey_id, body)
