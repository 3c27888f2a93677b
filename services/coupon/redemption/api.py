"""Routes of store redemption."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.coupon.redemption.queries import Redemptions
from services.coupon.redemption.redeeming import StoreRedeeming
from services.coupon.redemption.reversing import Reversing
from services.coupon.redemption.schemas import (
    KeySet,
    RedemptionConflictView,
    RedemptionIn,
    RedemptionView,
    ReverseIn,
    SettlementIn,
    SettlementView,
    TokenIn,
    TokenView,
)
from services.coupon.redemption.settling import OfflineSettling
from services.coupon.redemption.signing import Signing
from services.coupon.redemption.tokens import RedemptionTokens
from shared.web import Caller, ExternalId, Page, PageParams, Provided, costs, needs, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["store redemption"])
TokensRead = Annotated[Caller, Depends(needs("coupon:redemption-tokens:read"))]
TokensWrite = Annotated[Caller, Depends(needs("coupon:redemption-tokens:write"))]
KeysRead = Annotated[Caller, Depends(needs("coupon:redemption-keys:read"))]
KeysWrite = Annotated[Caller, Depends(operator_needs("coupon:redemption-keys:write"))]
RedemptionsRead = Annotated[Caller, Depends(needs("coupon:redemptions:read"))]
RedemptionsWrite = Annotated[Caller, Depends(needs("coupon:redemptions:write"))]
Tokens = Annotated[RedemptionTokens, Provided(RedemptionTokens)]
Keys = Annotated[Signing, Provided(Signing)]
Reading = Annotated[Redemptions, Provided(Redemptions)]
ShopFilter = Annotated[ExternalId | None, Query(description="of this shop only")]
CouponFilter = Annotated[ExternalId | None, Query(description="of this coupon only")]


@router.post(
    "/redemption-tokens",
    status_code=201,
    summary="Show a coupon at a till",
    openapi_extra=chinese("出示券码", "供二维码使用的签名令牌和一个短码，一分钟内有效。不能使用时 409 说明原因。"),
)
async def create_token(caller: TokensWrite, body: TokenIn, tokens: Tokens) -> TokenView:
    """出示券码: a signed token for a QR picture and a short code, good for less than a minute. 409 says why it can't be used."""
    return await tokens.create(caller, body.coupon_id)


@router.get(
    "/redemption-tokens",
    summary="List tokens on show",
    openapi_extra=chinese("列出正在出示的令牌", "最近一小时的，新的在前。"),
)
async def list_tokens(
    caller: TokensRead, paging: PageParams, tokens: Tokens, coupon_id: CouponFilter = None
) -> Page[TokenView]:
    """Those of the last hour, newest first."""
    return await tokens.page(caller, paging, coupon_id)


@router.get(
    "/redemption-tokens/{token_id}",
    summary="Read a token on show",
    openapi_extra=chinese("读取正在出示的令牌", "一个令牌。"),
)
async def get_token(caller: TokensRead, token_id: str, tokens: Tokens) -> TokenView:
    """One token."""
    return await tokens.read(caller, token_id)


@router.get(
    "/redemption-tokens/{token_id}/qr.svg",
    summary="The token as QR picture",
    openapi_extra=chinese("令牌的二维码图片", "SVG 格式的二维码。"),
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "description": "An SVG document"}},
)
async def get_token_picture(caller: TokensRead, token_id: str, tokens: Tokens) -> Response:
    """二维码, as SVG."""
    return Response(
        await tokens.picture(caller, token_id), media_type="image/svg+xml", headers={"cache-control": "no-store"}
    )


@router.get(
    "/redemption-keys",
    summary="Public keys for offline tills",
    openapi_extra=chinese("离线收银用的公钥", "JWK 集合：收银机凭它即可离线验证令牌。"),
)
async def list_redemption_keys(caller: KeysRead, keys: Keys) -> KeySet:
    """A JWK set: with it a till verifies tokens without asking."""
    return await keys.key_set()


@router.post(
    "/redemption-keys/rotate",
    status_code=201,
    summary="Sign with a new key from now on",
    openapi_extra=chinese("更换签名密钥", "从现在起用新密钥签名；旧公钥保留在集合中，直到用它签名的都结清。"),
)
async def rotate_keys(caller: KeysWrite, keys: Keys) -> KeySet:
    """The old public key stays in the set until everything signed with it is settled."""
    return await keys.rotate()


@router.post(
    "/redemptions",
    status_code=201,
    summary="Use a coupon at a till",
    openapi_extra=chinese(
        "在收银台核销优惠券",
        "用店员密钥核销。只成功一次；同一小票再次提交得到同样的应答。403 `staff_key_needed`；404 "
        "`token_unknown`；410 `token_expired`；409 `coupon_redeemed`、`coupon_locked`、`wrong_shop`、"
        "`below_threshold` 以及报价中的其他原因；429 `too_many_attempts`。",
    ),
)
async def redeem_coupon(
    caller: RedemptionsWrite,
    body: RedemptionIn,
    response: Response,
    redeeming: Annotated[StoreRedeeming, Provided(StoreRedeeming)],
) -> RedemptionView:
    """核销, with a staff key. Works once; the same receipt again gets the same answer.

    403 `staff_key_needed`; 404 `token_unknown`; 410 `token_expired`; 409 `coupon_redeemed`, `coupon_locked`, `wrong_shop`,
    `below_threshold` and the other reasons of a quote; 429 `too_many_attempts`.
    """
    view, known = await redeeming.redeem(caller, body)
    if known:
        response.headers["Idempotent-Replayed"] = "true"
    return view


@router.get(
    "/redemptions", summary="List redemptions", openapi_extra=chinese("列出核销", "新的在前。店员密钥只看到本店的。")
)
async def list_redemptions(
    caller: RedemptionsRead,
    paging: PageParams,
    reading: Reading,
    shop_id: ShopFilter = None,
    customer_id: Annotated[ExternalId | None, Query(description="of this customer only")] = None,
    coupon_id: CouponFilter = None,
) -> Page[RedemptionView]:
    """Newest first. A staff key sees its own shop's."""
    return await reading.page(caller, paging, shop_id, customer_id, coupon_id)


@router.get(
    "/redemptions/{redemption_id}", summary="Read a redemption", openapi_extra=chinese("读取核销", "一次核销。")
)
async def get_redemption(caller: RedemptionsRead, redemption_id: str, reading: Reading) -> RedemptionView:
    """One redemption."""
    return await reading.read(caller, redemption_id)


@router.post(
    "/redemptions/{redemption_id}/reverse",
    summary="Take a redemption back",
    openapi_extra=chinese(
        "撤销核销", "仅限当天：优惠券回到券包，所以它给出的优惠必须已退回柜台。409 `too_late_to_reverse`。"
    ),
)
async def reverse_redemption(
    caller: RedemptionsWrite, redemption_id: str, body: ReverseIn, reversing: Annotated[Reversing, Provided(Reversing)]
) -> RedemptionView:
    """撤销核销, on the same day: the coupon is in its wallet again, so what it gave must be back at the counter.

    409 `too_late_to_reverse`.
    """
    return await reversing.reverse(caller, redemption_id, body.reason)


@router.post(
    "/redemptions/settlements",
    summary="Settle what an offline till did",
    openapi_extra=chinese("离线核销补录", "每一项有一个结果；再次提交不会改变任何东西。"),
)
async def settle_redemptions(
    caller: RedemptionsWrite,
    body: SettlementIn,
    settling: Annotated[OfflineSettling, Provided(OfflineSettling)],
    response: Response,
) -> SettlementView:
    """离线核销补录: one outcome for each item; sending it again changes nothing."""
    costs(response, len(body.redemptions))
    return await settling.settle(caller, body)


@router.get(
    "/redemption-conflicts",
    summary="List conflicts of offline tills",
    openapi_extra=chinese("列出离线收银的冲突", "新的在前。"),
)
async def list_conflicts(
    caller: RedemptionsRead,
    paging: PageParams,
    reading: Reading,
    shop_id: ShopFilter = None,
    coupon_id: CouponFilter = None,
) -> Page[RedemptionConflictView]:
    """Newest first."""
    return await reading.page_conflicts(paging, shop_id, coupon_id)


@router.get(
    "/redemption-conflicts/{conflict_id}", summary="Read a conflict", openapi_extra=chinese("读取冲突", "一个冲突。")
)
async def get_conflict(caller: RedemptionsRead, conflict_id: str, reading: Reading) -> RedemptionConflictView:
    """One conflict."""
    return await reading.read_conflict(caller, conflict_id)
