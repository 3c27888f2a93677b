"""Load shedding: what goes first, and that neither a burst nor a slow call is taken for too much."""

import asyncio

import pytest

from gateway.forwarding.capacity import FIRST, LEAST, SHARES, Capacity
from gateway.priorities import Priority, priority_of
from gateway.routes import ROUTES
from shared.web import Problem


def admitted(capacity: Capacity, priority: Priority, most: int = 10_000) -> int:
    for number in range(most):
        try:
            capacity.must_have_room(priority)
        except Problem:
            return number
        capacity.enter(priority)
    return most


def test_every_route_has_its_place() -> None:
    of = {f"{route.method} {route.template}": priority_of(route) for route in ROUTES}
    assert of["POST /v1/checkouts"] is of["POST /v1/reservations/{reservation_id}/release"] is Priority.MONEY
    assert of["POST /v1/redemptions"] is of["POST /v1/checkouts/{checkout_id}/refunds"] is Priority.MONEY
    assert of["POST /v1/quotes"] is of["POST /v1/coupon-templates/{template_id}/claims"] is Priority.SALE
    assert of["GET /v1/checkouts/{checkout_id}"] is of["GET /v1/availability"] is Priority.SALE
    assert of["POST /v1/batch"] is Priority.TRACKING
    assert of["GET /v1/checkouts"] is of["GET /v1/audit/coupons"] is of["POST /v1/promotions"] is Priority.LISTS
    assert of["GET /readyz"] is of["GET /docs"] is Priority.ALWAYS


async def test_a_crowd_of_lists_keeps_no_checkout_out() -> None:
    capacity = Capacity("test", 0.5)
    counts = [admitted(capacity, priority) for priority in (Priority.LISTS, Priority.TRACKING, Priority.SALE)]
    assert counts[0] == pytest.approx(FIRST * SHARES[Priority.LISTS], abs=1)
    assert admitted(capacity, Priority.MONEY) >= FIRST - sum(counts[2:]) - 1 > 0
    capacity.must_have_room(Priority.ALWAYS)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.forwarding.capacity._TICK_SECONDS", 0.01)


@pytest.mark.usefixtures("looks")
async def test_a_few_slow_calls_say_nothing() -> None:
    capacity = Capacity("test", 0.05)
    assert admitted(capacity, Priority.SALE, 20) == 20
    await asyncio.sleep(0.2)
    assert capacity.limit == FIRST


@pytest.mark.usefixtures("looks")
async def test_what_the_part_does_in_time_is_what_is_let_in_and_rest_restores_it() -> None:
    capacity = Capacity("test", 0.05)
    admitted(capacity, Priority.MONEY, 400)
    for _ in range(20):
        capacity.leave(Priority.MONEY)
        await asyncio.sleep(0.01)
    assert capacity.limit == LEAST
    with pytest.raises(Problem) as refused:
        capacity.must_have_room(Priority.LISTS)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "10")
    while capacity.inside > 1:
        capacity.leave(Priority.MONEY)
    await asyncio.sleep(0.3)
    assert capacity.limit == FIRST
    capacity.leave(Priority.MONEY)
    await asyncio.sleep(0.03)
    assert not capacity._looking, "nobody looks while nothing is under way"
