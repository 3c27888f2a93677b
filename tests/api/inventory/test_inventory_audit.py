"""The audit finds what is broken and names it; the database itself refuses most of it."""

from typing import Any

import pytest
from api.inventory.shopkit import Json, Shop
from kit.damage import found_after
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from services.inventory.ledger.models import StockLevel, StockMovement
from services.inventory.reservations.models import ReservationLineRow, ReservationRow
from services.inventory.signals.models import SkuSignal


async def change(shop: Shop, statement: Any) -> None:
    async with shop.running.service.kit.db.write() as tx:
        await tx.execute(statement)


async def broken(shop: Shop) -> dict[str, Json]:
    audit: Json = (await shop.client.get("/v1/audit/stock")).json()
    assert audit["ok"] == all(check["ok"] for check in audit["checks"])
    return {check["name"]: check for check in audit["checks"] if not check["ok"]}


@pytest.fixture
async def busy(shop: Shop) -> Shop:
    """A shop with three held, a paid, a half shipped and a released order."""
    await shop.receive("a", 22)
    await shop.held("held", ("a", 1))
    await shop.held("x", ("a", 2))
    await shop.held("y", ("a", 2))
    paid = await shop.held("paid", ("a", 2))
    await shop.done(paid, "confirm")
    half = await shop.held("half", ("a", 4))
    await shop.done(half, "confirm")
    await shop.done(half, "ship", {"lines": [{"sku": "a", "quantity": 1}]})
    await shop.done(await shop.held("released", ("a", 1)), "release")
    assert await broken(shop) == {}
    return shop


async def test_a_counter_that_drifted_is_found_in_ledger_and_promises(busy: Shop) -> None:
    await change(
        busy, update(StockLevel.table).values(held=StockLevel.c.held + 1, available=StockLevel.c.available - 1)
    )
    found = await broken(busy)
    assert set(found) == {"levels_are_the_ledger", "reserved_is_promised"}
    offending = found["reserved_is_promised"]["offending"]
    assert offending == [{"sku": "a", "location_id": "w1", "held": 1, "committed": 0}]
    assert "sku a" in found["levels_are_the_ledger"]["detail"]


async def test_a_level_that_does_not_add_up_is_found(busy: Shop) -> None:
    """The database refuses it, as long as its CHECK is there."""
    damage = update(StockLevel.table).values(on_hand=StockLevel.c.on_hand + 1)
    found = await found_after(busy.running.service.kit.db, damage, lambda: broken(busy))
    assert set(found) == {"on_hand_is_the_sum"}
    assert found["on_hand_is_the_sum"]["offending"][0]["sku"] == "a"


async def test_a_movement_that_is_missing_is_found(busy: Shop) -> None:
    await change(busy, delete(StockMovement.table).where(StockMovement.c.reason == "shipped"))
    found = await broken(busy)
    assert set(found) == {"levels_are_the_ledger", "lines_are_the_ledger"}
    assert found["levels_are_the_ledger"]["offending"][0]["committed"] == 1


async def test_a_level_that_is_missing_is_found(busy: Shop) -> None:
    """Magento's checker misses deleted rows (magento/inventory 3153)."""
    await change(busy, delete(StockLevel.table))
    assert {"levels_are_the_ledger", "reserved_is_promised"} <= set(await broken(busy))


async def test_a_level_whose_movements_cancel_out_but_that_is_gone_is_found(shop: Shop) -> None:
    await shop.receive("a", 3)
    await shop.adjust([{"sku": "a", "location_id": "w1", "change": -3}], "sold")
    await change(shop, delete(StockLevel.table))
    assert set(await broken(shop)) == {"levels_are_the_ledger"}


async def test_a_line_that_lost_units_is_found(busy: Shop) -> None:
    paid = select(ReservationRow.c.id).where(ReservationRow.c.order_id == "paid").scalar_subquery()
    line = ReservationLineRow.c.reservation_id == paid
    await change(busy, update(ReservationLineRow.table).where(line).values(released=1))
    assert set(await broken(busy)) == {"reserved_is_promised", "lines_are_the_ledger"}


async def test_a_reservation_without_lines_and_a_line_without_reservation_are_found(busy: Shop) -> None:
    await change(busy, delete(ReservationLineRow.table).where(ReservationLineRow.c.quantity == 4))
    found = await broken(busy)
    assert found["lines_fit_their_state"]["offending"][0]["line_no"] is None
    await change(busy, delete(ReservationRow.table).where(ReservationRow.c.order_id == "released"))
    assert len((await broken(busy))["lines_fit_their_state"]["offending"]) == 2


async def test_a_state_that_changed_without_its_stock_is_found(busy: Shop) -> None:
    await change(busy, update(ReservationRow.table).where(ReservationRow.c.order_id == "paid").values(status="shipped"))
    assert set(await broken(busy)) == {"reserved_is_promised", "lines_fit_their_state", "lines_are_the_ledger"}


async def test_units_that_changed_hands_between_two_orders_are_found(busy: Shop) -> None:
    """Every sum is right, only the movements tell whose the units were."""
    of = {
        name: (await busy.client.get("/v1/reservations", params={"order_id": name})).json()["data"][0]["id"]
        for name in "xy"
    }
    for name, units in (("x", 3), ("y", 1)):
        line = ReservationLineRow.c.reservation_id == of[name]
        await change(busy, update(ReservationLineRow.table).where(line).values(quantity=units))
    found = await broken(busy)
    assert set(found) == {"lines_are_the_ledger"}
    assert [(row["reservation_id"], row["held"]) for row in found["lines_are_the_ledger"]["offending"]] == [
        (of["x"], -1),
        (of["y"], 1),
    ]


async def test_a_line_that_asks_for_more_than_was_taken_is_found(busy: Shop) -> None:
    done = ReservationLineRow.c.released == 1
    await change(busy, update(ReservationLineRow.table).where(done).values(quantity=5, released=5))
    found = await broken(busy)
    assert set(found) == {"lines_are_the_ledger"}
    assert found["lines_are_the_ledger"]["offending"][0]["taken"] == -4


async def test_a_movement_of_nobody_is_found(busy: Shop) -> None:
    await change(
        busy, update(StockMovement.table).where(StockMovement.c.reason == "shipped").values(reservation_id=None)
    )
    found = await broken(busy)
    assert set(found) == {"lines_are_the_ledger"}
    assert [row["reservation_id"] for row in found["lines_are_the_ledger"]["offending"]].count(None) == 1


async def test_an_order_with_two_reservations_and_one_that_holds_nothing_are_found(busy: Shop) -> None:
    order = ReservationRow.c.order_id
    await change(busy, update(ReservationRow.table).where(order == "x").values(order_id="y", turn=2))
    assert [row["reservations"] for row in (await broken(busy))["orders_reserve_once"]["offending"]] == [2]
    await change(busy, update(ReservationRow.table).where(order == "released").values(status="expired"))
    assert len((await broken(busy))["orders_reserve_once"]["offending"]) == 2


async def test_a_signal_that_is_not_true_is_found(busy: Shop) -> None:
    await busy.running.tick()
    assert await broken(busy) == {}
    await change(busy, update(SkuSignal.table).values(word="sold_out"))
    assert (await broken(busy))["signals_are_true"]["offending"] == [{"sku": "a", "units": 16, "word": "sold_out"}]


REFUSED = (
    "UPDATE stock_level SET available = available - 1",
    "UPDATE stock_level SET available = -1, on_hand = on_hand - available - 1",
    "UPDATE stock_level SET held = held - 100, available = available + 100",
    "UPDATE stock_level SET incoming = -1",
    "UPDATE stock_movement SET quantity = 0",
    "UPDATE stock_movement SET to_state = from_state",
    "UPDATE stock_movement SET to_state = 'lost'",
    "UPDATE reservation SET status = 'failed'",
    "UPDATE reservation_line SET shipped = quantity, released = 1",
    "UPDATE reservation_line SET quantity = 0",
    "UPDATE location SET lat = 91",
    "UPDATE stock_level SET location_id = 'nowhere'",
)


async def test_the_database_refuses(busy: Shop) -> None:
    for statement in REFUSED:
        with pytest.raises(IntegrityError):
            await change(busy, text(statement))
    await busy.prove()


async def test_one_step_of_one_document_is_written_once(busy: Shop) -> None:
    row = {column.name: getattr(await _first(busy), column.name) for column in StockMovement.c}
    with pytest.raises(IntegrityError):
        await change(busy, insert(StockMovement.table).values(row | {"id": "mvt_other"}))


async def _first(shop: Shop) -> Any:
    async with shop.running.service.kit.db.read() as tx:
        return (await tx.execute(StockMovement.table.select().limit(1))).one()
