"""Routes of reservations. Reserve, confirm and release are hot: one transaction serves many calls."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from services.inventory.reservations.placement import demand
from services.inventory.reservations.queries import Reservations
from services.inventory.reservations.repository import Wanted
from services.inventory.reservations.reserving import Order, Reserving
from services.inventory.reservations.rules import Status
from services.inventory.reservations.schemas import (
    ConfirmIn,
    ExtendIn,
    Lines,
    ReleaseIn,
    ReservationIn,
    ReservationView,
    ShipIn,
)
from services.inventory.reservations.settling import Part, Settling
from services.inventory.reservations.shipping import Shipping
from shared.web import Caller, ExternalId, HotRequest, HotRoute, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/reservations", tags=["reservations"])
ReservationsRead = Annotated[Caller, Depends(needs("inventory:reservations:read"))]
ReservationsWrite = Annotated[Caller, Depends(needs("inventory:reservations:write"))]
Queries = Annotated[Reservations, Provided(Reservations)]
Parcels = Annotated[Shipping, Provided(Shipping)]
Filter = Annotated[ExternalId | None, Query()]


async def _wanted(
    order_id: Filter = None,
    status: Annotated[Status | None, Query()] = None,
    channel: Filter = None,
    sku: Filter = None,
) -> Wanted:
    return Wanted(order_id, status, channel, sku)


@router.get("", summary="List reservations", openapi_extra=chinese("列出库存占用", "占用，新的在前。"))
async def list_reservations(
    caller: ReservationsRead,
    reservations: Queries,
    paging: PageParams,
    wanted: Annotated[Wanted, Depends(_wanted)],
) -> Page[ReservationView]:
    """Reservations, newest first."""
    return await reservations.page(paging, wanted)


@router.get("/{reservation_id}", summary="Read a reservation", openapi_extra=chinese("读取库存占用", "一个占用。"))
async def read_reservation(caller: ReservationsRead, reservation_id: str, reservations: Queries) -> ReservationView:
    """One reservation."""
    return await reservations.read(caller, reservation_id)


@router.post(
    "/{reservation_id}/extend",
    response_model=ReservationView,
    summary="Hold a reservation longer, once",
    openapi_extra=chinese("延长库存占用，仅一次", "延长占用时间，仅一次。"),
)
async def extend_reservation(
    caller: ReservationsWrite, reservation_id: str, shipping: Parcels, body: ExtendIn | None = None
) -> Response:
    """Hold a reservation longer, once."""
    return _json(await shipping.extend(caller, reservation_id, (body or ExtendIn()).ttl_seconds))


@router.post(
    "/{reservation_id}/ship",
    response_model=ReservationView,
    summary="Ship reserved goods, whole or in parts",
    openapi_extra=chinese("发出占用的货物，全部或部分", "已确认占用的货物出库：全部，或给定的行。"),
)
async def ship_reservation(
    caller: ReservationsWrite, reservation_id: str, shipping: Parcels, body: ShipIn | None = None
) -> Response:
    """Goods of a confirmed reservation leave: all of them, or the given lines."""
    parcel = body or ShipIn()
    shipped = await shipping.ship(caller, reservation_id, _part(parcel.lines, parcel.remark), parcel.reference)
    response = _json(shipped.body)
    if shipped.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _part(lines: Lines | None, remark: str | None) -> Part:
    wanted = None if lines is None else demand((line.sku, line.location_id, line.quantity) for line in lines)
    return Part(wanted, remark)


def hot_routes(reserving: Reserving, settling: Settling, shipping: Shipping) -> list[HotRoute]:
    """The hot operations, bound to their use cases."""

    async def reserve_stock(request: HotRequest[ReservationIn]) -> bytes:
        body, caller = request.body, request.caller
        lines = [(line.sku, line.location_id, line.quantity) for line in body.lines]
        order = Order(
            caller.owner_id,
            body.order_id,
            body.channel,
            body.ttl_seconds,
            lines,
            demand(lines),
            caller.actor,
            request.request_id,
        )
        reply = await reserving.reserve(request.submission(order))
        request.replayed = reply.replayed
        return reply.body

    async def confirm_reservation(request: HotRequest[ConfirmIn | None]) -> bytes:
        body = request.body or ConfirmIn()
        part = _part(body.lines, body.remark)
        reservation_id = request.path_params["reservation_id"]
        return await settling.confirm(request.caller, reservation_id, part, request.request_id, request.call)

    async def release_reservation(request: HotRequest[ReleaseIn | None]) -> bytes:
        body, reservation_id = request.body or ReleaseIn(), request.path_params["reservation_id"]
        part = _part(body.lines, body.remark)
        if body.reference is None:
            return await settling.release(request.caller, reservation_id, part, request.request_id)
        reply = await shipping.release(request.caller, reservation_id, part, body.reference)
        request.replayed = reply.replayed
        return reply.body

    def hot(path: str, endpoint: Any, body: type[BaseModel], summary: str, **more: Any) -> HotRoute:
        return HotRoute(
            method="POST",
            path=path,
            scope="inventory:reservations:write",
            endpoint=endpoint,
            summary=summary,
            body=body,
            answer=ReservationView,
            tags=("reservations",),
            **more,
        )

    one = "/v1/reservations/{reservation_id}"
    return [
        hot(
            "/v1/reservations",
            reserve_stock,
            ReservationIn,
            "Reserve stock for an order, all lines or nothing",
            description="Held until `expires_at`. The same order again gets the same reservation. "
            "409 `insufficient_stock` names what is missing.",
            openapi_extra=chinese(
                "为订单占用库存，全部行或一行不占",
                "占用到 `expires_at` 为止。同一订单再次调用得到同一个占用。409 `insufficient_stock` 会指出缺什么。",
            ),
            status=201,
            keyed=True,
            errors=(409, 422),
        ),
        hot(
            f"{one}/confirm",
            confirm_reservation,
            ConfirmIn,
            "The order, or a part of it, is paid",
            description="Sold, and waiting to be shipped. Without `lines` all of it. 410 `reservation_expired`.",
            openapi_extra=chinese(
                "订单全部或部分已支付", "确认的部分已售出，等待发货。不带 `lines` 时为全部。410 `reservation_expired`。"
            ),
            optional=True,
            keyed=True,
            errors=(404, 409, 410, 422),
        ),
        hot(
            f"{one}/release",
            release_reservation,
            ReleaseIn,
            "Give back what is not shipped, or a part of it",
            description="Free for others at once. Without `lines` all of it; again changes nothing.",
            openapi_extra=chinese(
                "释放未发货的库存，全部或部分", "立即可售给他人。不带 `lines` 时为全部；重复调用不会改变任何东西。"
            ),
            optional=True,
            errors=(404, 409, 422),
        ),
    ]
