"""Webhooks to the world 事件推送."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway.webhooks_out.management import Endpoints
from gateway.webhooks_out.replaying import Replaying
from gateway.webhooks_out.schemas import (
    DeliveryDetail,
    DeliveryView,
    EndpointIn,
    EndpointPatch,
    EndpointView,
    NewEndpointView,
    ReplayIn,
    ReplayView,
    SecretRotation,
    TestDelivery,
)
from shared.web import Caller, Forbidden, Needs, Page, PageParams, Provided
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["webhooks"])


class NeedsWholeOwner(Needs):
    """The scope, and a key that is not bound to one shop or customer: events tell of all of them."""

    async def __call__(self, request: Request) -> Caller:
        """The caller. Raises Unauthorized, Forbidden."""
        caller = await super().__call__(request)
        if caller.shop_id is not None or caller.customer_id is not None:
            raise Forbidden(
                "not_for_one_shop", "Webhooks tell of all shops and customers; use a key that is not bound to one."
            )
        return caller


WebhooksRead = Annotated[Caller, Depends(NeedsWholeOwner("gateway:webhooks:read"))]
WebhooksWrite = Annotated[Caller, Depends(NeedsWholeOwner("gateway:webhooks:write"))]
Managed = Annotated[Endpoints, Provided(Endpoints)]


@router.post(
    "/webhook-endpoints",
    status_code=201,
    summary="Create a webhook endpoint",
    openapi_extra=chinese(
        "登记回调端点",
        "登记一个 URL。签名密钥只在这次应答中出现；投递遵循 Standard Webhooks。每种事件都需要 "
        "`GET /v1/event-types` 所列的权限；`*` 和 `coupon.*` 包含你的密钥有权读取的事件。",
    ),
)
async def create_endpoint(
    caller: WebhooksWrite, body: EndpointIn, endpoints: Managed, response: Response
) -> NewEndpointView:
    """Register a URL. The answer holds the signing secret, once; deliveries follow Standard Webhooks.

    Each event needs the scope that `GET /v1/event-types` names; `*` and `coupon.*` bring those that your key covers.
    """
    response.headers["cache-control"] = "no-store"
    return await endpoints.create(caller, body)


@router.get(
    "/webhook-endpoints", summary="List webhook endpoints", openapi_extra=chinese("列出回调端点", "端点，新的在前。")
)
async def list_endpoints(
    caller: WebhooksRead, endpoints: Managed, paging: PageParams, status: Literal["enabled", "disabled"] | None = None
) -> Page[EndpointView]:
    """Endpoints, newest first."""
    return await endpoints.page(caller, paging, status)


@router.get(
    "/webhook-endpoints/{endpoint_id}",
    summary="Read a webhook endpoint",
    openapi_extra=chinese("读取回调端点", "一个端点，不含签名密钥。"),
)
async def get_endpoint(caller: WebhooksRead, endpoints: Managed, endpoint_id: str) -> EndpointView:
    """One endpoint, without its secret."""
    return await endpoints.read(caller, endpoint_id)


@router.patch(
    "/webhook-endpoints/{endpoint_id}",
    summary="Change a webhook endpoint",
    openapi_extra=chinese(
        "修改回调端点",
        "修改 URL、事件或说明；停用或启用。端点停用期间事件会被扣留，时长与已完成的投递相同：之后可以重放。"
        "更换 URL 或事件需要这些事件的权限，与登记时一样，并改用你的密钥的权限。",
    ),
)
async def change_endpoint(
    caller: WebhooksWrite, endpoints: Managed, endpoint_id: str, body: EndpointPatch
) -> EndpointView:
    """Change URL, events or description; disable or enable.

    While an endpoint is disabled its events are held, as long as finished deliveries are kept: replay them afterwards.
    A new URL or other events need the scopes of the events, as registering does, and your key's take their place.
    """
    return await endpoints.change(caller, endpoint_id, body)


@router.delete(
    "/webhook-endpoints/{endpoint_id}",
    status_code=204,
    summary="Remove a webhook endpoint",
    openapi_extra=chinese("删除回调端点", "删除端点；等待投递的内容随之放弃。"),
)
async def delete_endpoint(caller: WebhooksWrite, endpoints: Managed, endpoint_id: str) -> None:
    """Remove an endpoint; what waits for it is given up."""
    await endpoints.remove(caller, endpoint_id)


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    summary="List what was sent to an endpoint",
    openapi_extra=chinese("列出端点的投递", "已发送或等待发送给端点的内容，新的在前。"),
)
async def list_deliveries(
    caller: WebhooksRead,
    endpoints: Managed,
    endpoint_id: str,
    paging: PageParams,
    status: Literal["pending", "held", "delivered", "failed"] | None = None,
    event_type: Annotated[str | None, Query(max_length=80)] = None,
) -> Page[DeliveryView]:
    """What was sent to an endpoint, or waits to be; newest first."""
    return await endpoints.deliveries(caller, endpoint_id, paging, status, event_type)


@router.post(
    "/webhook-endpoints/{endpoint_id}/test",
    status_code=202,
    summary="Send a test event to an endpoint",
    openapi_extra=chinese(
        "向端点发送测试事件",
        "向此端点发送一个 `webhook.test` 事件；给出 `event_type` 时发送该类型的示例，需要该事件的权限。",
    ),
)
async def test_endpoint(
    caller: WebhooksWrite,
    endpoints: Managed,
    endpoint_id: str,
    body: TestDelivery | None = None,  # noqa: PT028 - a route, no test
) -> DeliveryView:
    """Send a `webhook.test` event to this endpoint; with `event_type` the example of that type, for which its scope is needed."""
    return await endpoints.test(caller, endpoint_id, (body or TestDelivery()).event_type)


@router.post(
    "/webhook-endpoints/{endpoint_id}/replay",
    status_code=202,
    summary="Send an endpoint's deliveries again",
    openapi_extra=chinese("重放端点的投递", "再次发送某个时间段内失败或扣留的投递，每次最多一万个，旧的在前。"),
)
async def replay_deliveries(
    caller: WebhooksWrite, endpoint_id: str, body: ReplayIn, replaying: Annotated[Replaying, Provided(Replaying)]
) -> ReplayView:
    """Send what failed or was held in a window again, up to ten thousand deliveries at a time, the oldest first."""
    return await replaying.replay(caller, endpoint_id, body)


@router.post(
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    summary="Rotate an endpoint's secret",
    openapi_extra=chinese("更换端点的签名密钥", "生成新的签名密钥。重叠期内每次投递都带两个签名。"),
)
async def rotate_secret(
    caller: WebhooksWrite, endpoints: Managed, endpoint_id: str, response: Response, body: SecretRotation | None = None
) -> NewEndpointView:
    """Make a new signing secret. Until the overlap ends each delivery carries two signatures."""
    response.headers["cache-control"] = "no-store"
    overlap = (body or SecretRotation()).overlap_seconds
    return await endpoints.rotate_secret(caller, endpoint_id, timedelta(seconds=overlap))


@router.get(
    "/webhook-deliveries/{delivery_id}",
    summary="Read a delivery",
    openapi_extra=chinese("读取投递", "一次投递、它的报文和各次尝试。还需要该事件的权限。"),
)
async def get_delivery(caller: WebhooksRead, endpoints: Managed, delivery_id: str) -> DeliveryDetail:
    """One delivery with its payload and its tries. Needs the scope of its event as well."""
    return await endpoints.delivery(caller, delivery_id)


@router.post(
    "/webhook-deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Send a delivery again",
    openapi_extra=chinese("重新投递", "以同一个 `webhook-id` 再发一次。"),
)
async def replay_delivery(caller: WebhooksWrite, endpoints: Managed, delivery_id: str) -> DeliveryView:
    """Send a delivery again, under the same `webhook-id`."""
    return await endpoints.replay(caller, delivery_id)
