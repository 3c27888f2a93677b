"""Routes of sharing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.sharing.management import ShareOffers
from services.coupon.sharing.schemas import (
    HelperView,
    HelpIn,
    HelpView,
    OfferStatus,
    ShareIn,
    ShareOfferIn,
    ShareOfferPatch,
    ShareOfferView,
    ShareView,
)
from services.coupon.sharing.sharing import Sharing
from shared.web import Caller, ClientFacts, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["sharing"])
OffersRead = Annotated[Caller, Depends(needs("coupon:share-offers:read"))]
OffersWrite = Annotated[Caller, Depends(needs("coupon:share-offers:write"))]
SharesRead = Annotated[Caller, Depends(needs("coupon:shares:read"))]
SharesWrite = Annotated[Caller, Depends(needs("coupon:shares:write"))]
Offers = Annotated[ShareOffers, Provided(ShareOffers)]
Shares = Annotated[Sharing, Provided(Sharing)]


@router.post(
    "/share-offers",
    status_code=201,
    summary="Create a share offer",
    openapi_extra=chinese("创建分享有礼活动", "分享得券。"),
)
async def create_share_offer(caller: OffersWrite, body: ShareOfferIn, offers: Offers) -> ShareOfferView:
    """Share to get 分享得券."""
    return await offers.create(caller, body)


@router.get(
    "/share-offers", summary="List share offers", openapi_extra=chinese("列出分享有礼活动", "活动及其数据，新的在前。")
)
async def list_share_offers(
    caller: OffersRead, paging: PageParams, offers: Offers, status: OfferStatus | None = None
) -> Page[ShareOfferView]:
    """Offers with their figures, newest first."""
    return await offers.page(paging, status)


@router.get(
    "/share-offers/{offer_id}",
    summary="Read a share offer",
    openapi_extra=chinese("读取分享有礼活动", "一项活动：多少人分享，多少分享触达了好友。"),
)
async def get_share_offer(caller: OffersRead, offer_id: str, offers: Offers) -> ShareOfferView:
    """One offer: how many shared, how many reached their friends."""
    return await offers.read(caller, offer_id)


@router.patch(
    "/share-offers/{offer_id}",
    summary="Rename, pause or activate a share offer",
    openapi_extra=chinese("改名、暂停或启用分享有礼活动", "暂停的活动不能发起分享，也不接受助力。"),
)
async def change_share_offer(
    caller: OffersWrite, offer_id: str, body: ShareOfferPatch, offers: Offers
) -> ShareOfferView:
    """A paused offer starts no shares and takes no helps."""
    return await offers.change(caller, offer_id, body)


@router.post(
    "/share-offers/{offer_id}/shares",
    status_code=201,
    summary="Share an offer",
    openapi_extra=chinese(
        "发起分享", "顾客进行中的分享，或新的一个；把它的 `token` 放进链接。409 `share_limit_reached`。"
    ),
)
async def share_offer(caller: SharesWrite, offer_id: str, body: ShareIn, shares: Shares) -> ShareView:
    """The customer's open share, or a new one; its `token` belongs into the link. 409 `share_limit_reached`."""
    return await shares.share(caller, offer_id, body.customer_id)


@router.get("/shares", summary="List shares", openapi_extra=chinese("列出分享", "分享，新的在前。"))
async def list_shares(
    caller: SharesRead,
    paging: PageParams,
    shares: Shares,
    offer_id: Annotated[ExternalId | None, Query(description="of this offer only")] = None,
    customer_id: Annotated[ExternalId | None, Query(description="of this sharer only")] = None,
) -> Page[ShareView]:
    """Shares, newest first."""
    return await shares.page(caller, paging, offer_id, customer_id)


@router.get(
    "/shares/{token}",
    summary="Read a share",
    openapi_extra=chinese("读取分享", "按令牌（好友的应用就是这样）或按 id。"),
)
async def get_share(caller: SharesRead, token: str, shares: Shares) -> ShareView:
    """By its token, as the friend's app does, or by its id."""
    return await shares.read(caller, token)


@router.post(
    "/shares/{token}/helps",
    status_code=201,
    summary="Help a friend",
    openapi_extra=chinese(
        "好友助力", "好友打开了链接。403 `own_share`；409 `share_complete`、`already_helped`；410 `share_expired`。"
    ),
)
async def help_friend(caller: SharesWrite, client: ClientFacts, token: str, body: HelpIn, shares: Shares) -> HelpView:
    """A friend opened the link 好友助力. 403 `own_share`; 409 `share_complete`, `already_helped`; 410 `share_expired`."""
    return await shares.help(caller, client, token, body.customer_id)


@router.get(
    "/shares/{token}/helps",
    summary="List the friends who helped",
    openapi_extra=chinese("列出助力的好友", "按助力的先后；供分享者和商户查看。"),
)
async def list_helps(caller: SharesRead, token: str, paging: PageParams, shares: Shares) -> Page[HelperView]:
    """In the order of their help; for the sharer and the merchant."""
    return await shares.helps(caller, token, paging)
