"""Routes of reservations. Reserve, confirm and release are hot: one transaction serves many calls."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from services.inventory.reservations.placement import demand
from services.inventory.reservations.queries import Reservations
from services.inventory.reservations.repository import Wanted
from services.inventory.reservations.reserving import Order, Reserving
from services.inventory.reservations.rules import Status
from services.inventory.reservations.schemas import ExtendIn, ReservationIn, ReservationView, ShipIn
from services.inventory.reservations.settling import Settling
from services.inventory.reservations.shipping import Shipping
from shared.web import Caller, ExternalId, HotRequest, HotRoute, Page, PageParams, Provided, needs

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


@router.get("", summary="List reservations")
async def list_reservations(
    caller: ReservationsRead,
    reservations: Queries,
    paging: PageParams,
    wanted: Annotated[Wanted, Depends(_wanted)],
) -> Page[ReservationView]:
    """Reservations, newest first."""
    return await reservations.page(paging, wanted)


@router.get("/{reservation_id}", summary="Read a reservation")
async def read_reservation(caller: ReservationsRead, reservation_id: str, reservations: Queries) -> ReservationView:
    """One reservation."""
    return await reservations.read(caller, reservation_id)


@router.post("/{reservation_id}/extend", response_model=ReservationView, summary="Hold a reservation longer, once")
async def extend_reservation(
    caller: ReservationsWrite, reservation_id: str, shipping: Parcels, body: ExtendIn | None = None
) -> Response:
    """Hold a reservation longer, once."""
    return _json(await shipping.extend(caller, reservation_id, (body or ExtendIn()).ttl_seconds))


@router.post("/{reservation_id}/ship", response_model=ReservationView, summary="Ship reserved goods, whole or in parts")
async def ship_reservation(
    caller: ReservationsWrite, reservation_id: str, shipping: Parcels, body: ShipIn | None = None
) -> Response:
    """Goods of a confirmed reservation leave: all of them, or the given lines."""
    parcel = body or ShipIn()
    return _json(await shipping.ship(caller, reservation_id, parcel.lines, parcel.reference))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def hot_routes(reserving: Reserving, settling: Settling) -> list[HotRoute]:
    """The hot operations, bound to their use cases."""

    async def reserve(request: HotRequest[ReservationIn]) -> bytes:
        body = request.body
        lines = [(line.sku, line.location_id, line.quantity) for line in body.lines]
        owner_id, wanted = request.caller.owner_id, demand(lines)
        order = Order(owner_id, body.order_id, body.channel, body.ttl_seconds, lines, wanted, request.request_id)
        return await reserving.reserve(order)

    async def confirm(request: HotRequest[None]) -> bytes:
        return await settling.confirm(request.caller, request.path_params["reservation_id"], request.request_id)

    async def release(request: HotRequest[None]) -> bytes:
        return await settling.release(request.caller, request.path_params["reservation_id"], request.request_id)

    def hot(path: str, endpoint: Any, status: int, errors: tuple[int, ...], summary: str, body: Any = None) -> HotRoute:
        return HotRoute(
            method="POST",
            path=path,
            scope="inventory:reservations:write",
            endpoint=endpoint,
            summary=summary,
            body=body,
            answer=ReservationView,
            status=status,
            tags=("reservations",),
            errors=errors,
        )

    return [
        hot(
            "/v1/reservations",
            reserve,
            201,
            (409, 422),
            "Reserve stock for an order, all lines or nothing",
            ReservationIn,
        ),
        hot("/v1/reservations/{reservation_id}/confirm", confirm, 200, (404, 409, 410), "The order is paid"),
        hot("/v1/reservations/{reservation_id}/release", release, 200, (404, 409), "Give back what is not shipped"),
    ]
