"""A model of the shop beside the real service: random lives of orders, a clock that is moved, the audit after every step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from api.inventory.shopkit import Json, Shop
from conftest import Backend
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from kit.alone import START, Alone
from kit.examples import walk

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.clock import ManualClock

SKUS = ("a", "b")
sku = st.sampled_from(SKUS)
few = st.integers(1, 5)
VERBS = ("confirm", "confirm_one", "release", "release_one", "extend", "ship", "ship_one")


@dataclass
class Order:
    """What the model knows of a reservation."""

    seen: Json
    lines: dict[str, int]
    expires_at: datetime
    ttl: int = 900
    status: str = "held"
    extended: bool = False
    shipped: dict[str, int] = field(default_factory=dict)
    released: dict[str, int] = field(default_factory=dict)

    def open(self, name: str) -> int:
        return self.lines[name] - self.shipped.get(name, 0) - self.released.get(name, 0)

    def left(self) -> dict[str, int]:
        return {name: self.open(name) for name in self.lines if self.open(name)}


class World:
    """One running service for all examples; each example uses SKUs of its own."""

    def __init__(self, backend: Backend) -> None:
        self.clock = ManualClock(START)
        self.examples = 0
        settings = backend.settings(InventorySettings, expiry_sweep_seconds=3600)
        self.alone = Alone(backend, create_service, settings, self.clock)
        self.shop = Shop(self.alone.running, self.clock)
        self.alone.run(self.shop.place("w1"))


class StockMachine(RuleBasedStateMachine):
    """Free units are those not promised; `kept` of them are safety stock."""

    world: World

    @initialize()
    def fresh_goods(self) -> None:
        self.world.examples += 1
        self.prefix = f"x{self.world.examples}-"
        self.free = dict.fromkeys(SKUS, 0)
        self.kept = dict.fromkeys(SKUS, 0)
        self.orders: list[Order] = []
        self.ended: list[Order] = []
        self.numbers = 0

    def call(self, awaitable: Any) -> Any:
        return self.world.alone.run(awaitable)

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def available(self, name: str) -> int:
        return max(0, self.free[name] - self.kept[name])

    def fits(self, lines: dict[str, int]) -> bool:
        return all(self.available(name) >= units for name, units in lines.items())

    def take(self, lines: dict[str, int], sign: int = -1) -> None:
        for name, units in lines.items():
            self.free[name] += sign * units

    def sweep(self) -> None:
        for order in self.orders:
            if order.status == "held" and order.expires_at <= self.now:
                order.status = "expired"
                self.take(order.left(), +1)

    @rule(name=sku, units=st.integers(1, 9))
    def receive(self, name: str, units: int) -> None:
        self.call(self.world.shop.receive(self.prefix + name, units))
        self.free[name] += units

    @rule(name=sku, units=few)
    def lose(self, name: str, units: int) -> None:
        line = {"sku": self.prefix + name, "location_id": "w1", "change": -units}
        answer: httpx.Response = self.call(self.world.shop.adjust([line], "lost"))
        assert answer.status_code == (201 if self.free[name] >= units else 409)
        if answer.status_code == 201:
            self.free[name] -= units

    @rule(name=sku, units=st.integers(0, 4))
    def keep_back(self, name: str, units: int) -> None:
        body = {"sku": self.prefix + name, "location_id": "w1", "safety": units}
        assert self.call(self.world.shop.client.put("/v1/stock/safety", json=body)).status_code == 200
        self.kept[name] = units

    @rule(lines=st.dictionaries(sku, few, min_size=1), seconds=st.sampled_from((60, 900)))
    def reserve(self, lines: dict[str, int], seconds: int) -> None:
        self.numbers += 1
        asked = [(self.prefix + name, units) for name, units in lines.items()]
        shop = self.world.shop
        answer = self.call(shop.reserve(f"{self.prefix}{self.numbers}", *asked, ttl_seconds=seconds))
        if not self.fits(lines):
            self.sweep()
        assert answer.status_code == (201 if self.fits(lines) else 409), answer.text
        if answer.status_code == 201:
            self.take(lines)
            self.orders.append(Order(answer.json(), lines, self.now + timedelta(seconds=seconds), seconds))

    @precondition(lambda self: self.orders)
    @rule(pick=st.integers(0), lines=st.dictionaries(sku, few, min_size=1))
    def reserve_again(self, pick: int, lines: dict[str, int]) -> None:
        """For an order that had a reservation: anew when that one holds nothing, else the lines differ or it is answered."""
        order = self.orders[pick % len(self.orders)]
        lives = order.status not in ("released", "expired") and not (
            order.status == "held" and order.expires_at <= self.now
        )
        asked = [(self.prefix + name, units) for name, units in lines.items()]
        answer = self.call(self.world.shop.reserve(order.seen["order_id"], *asked))
        if lives:
            same = lines == order.lines and order.ttl == 900 and order.status != "shipped"
            assert answer.status_code == (201 if same else 409), answer.text
            return
        if order.status == "held":
            order.status = "expired"
            self.take(order.left(), +1)
        if not self.fits(lines):
            self.sweep()
        assert answer.status_code == (201 if self.fits(lines) else 409), answer.text
        if answer.status_code == 201:
            assert answer.json()["id"] != order.seen["id"]
            order.status = "released"
            order.released = dict(order.lines)
            self.take(lines)
            self.orders[pick % len(self.orders)] = Order(answer.json(), lines, self.now + timedelta(seconds=900))
            self.ended.append(order)

    @precondition(lambda self: self.ended)
    @rule(pick=st.integers(0))
    def pay_what_was_replaced(self, pick: int) -> None:
        gone = self.ended[pick % len(self.ended)]
        assert self.call(self.world.shop.step(gone.seen, "confirm")).status_code == 409

    @precondition(lambda self: self.orders)
    @rule(
        pick=st.integers(0), verb=st.sampled_from(("confirm", "release", "release_one", "extend", "ship", "ship_one"))
    )
    def step(self, pick: int, verb: str) -> None:
        order = self.orders[pick % len(self.orders)]
        one = next((name for name in order.lines if order.open(name)), next(iter(order.lines)))
        body = {"lines": [{"sku": self.prefix + one, "quantity": 1}]} if verb.endswith("_one") else None
        answer = self.call(self.world.shop.step(order.seen, verb.removesuffix("_one"), body))
        assert answer.status_code == getattr(self, f"_{verb}")(order, one), (verb, order, answer.text)
        if answer.status_code == 200:
            assert answer.json()["status"] == order.status

    def _confirm(self, order: Order, _: str) -> int:
        if order.status == "expired":
            if not self.fits(order.left()):
                self.sweep()
            if not self.fits(order.left()):
                return 410
            self.take(order.left())
            order.status = "held"
        if order.status == "held":
            order.status = "confirmed"
        return 409 if order.status == "released" else 200

    def _confirm_one(self, order: Order, one: str) -> int:
        """One unit is paid, the others go back."""
        if order.status in ("confirmed", "partially_shipped", "shipped"):
            kept = {name: units - order.released.get(name, 0) for name, units in order.lines.items()}
            return 200 if {name: units for name, units in kept.items() if units} == {one: 1} else 409
        if order.status == "released":
            return 409
        if order.status == "expired":
            if not self.fits({one: 1}):
                self.sweep()
            if not self.fits({one: 1}):
                return 410
            self.take(order.left(), -1)
        freed = order.left()
        freed[one] -= 1
        self.take(freed, +1)
        for name, units in freed.items():
            order.released[name] = order.released.get(name, 0) + units
        order.status = "confirmed"
        return 200

    def _release(self, order: Order, _: str) -> int:
        if order.status == "shipped":
            return 409
        if order.status in ("held", "confirmed", "partially_shipped"):
            self.take(order.left(), +1)
        order.status = "released"
        return 200

    def _release_one(self, order: Order, one: str) -> int:
        if order.status in ("released", "shipped"):
            return 409
        order.released[one] = order.released.get(one, 0) + 1
        if order.status != "expired":
            self.take({one: 1}, +1)
        if not order.left():
            order.status = "released"
        return 200

    def _extend(self, order: Order, _: str) -> int:
        if order.status == "expired" or (order.status == "held" and order.expires_at <= self.now):
            return 410
        if order.status != "held" or order.extended:
            return 409
        order.extended = True
        order.expires_at = max(order.expires_at, self.now + timedelta(seconds=900))
        return 200

    def _ship(self, order: Order, _: str) -> int:
        if order.status not in ("confirmed", "partially_shipped", "shipped"):
            return 409
        for name, units in order.left().items():
            order.shipped[name] = order.shipped.get(name, 0) + units
        order.status = "shipped"
        return 200

    def _ship_one(self, order: Order, one: str) -> int:
        if order.status not in ("confirmed", "partially_shipped") or not order.open(one):
            return 409
        order.shipped[one] = order.shipped.get(one, 0) + 1
        order.status = "partially_shipped" if order.left() else "shipped"
        return 200

    @rule(seconds=st.sampled_from((1, 59, 60, 840, 900)))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    @rule()
    def sweeper_comes(self) -> None:
        self.call(self.world.shop.running.tick())
        self.sweep()

    @invariant()
    def the_audit_is_clean_and_the_figures_are_the_models(self) -> None:
        self.call(self.world.shop.prove())
        for name in SKUS:
            page = self.call(self.world.shop.client.get("/v1/stock", params={"sku": self.prefix + name})).json()
            level = page["data"][0] if page["data"] else dict.fromkeys(("available", "safety", "held", "committed"), 0)
            promised = {"held": 0, "committed": 0}
            for order in self.orders:
                if name in order.lines and order.status in ("held", "confirmed", "partially_shipped"):
                    promised["held" if order.status == "held" else "committed"] += order.open(name)
            assert level["available"] == self.available(name)
            assert level["safety"] == min(self.kept[name], self.free[name])
            assert {key: level[key] for key in promised} == promised


@pytest.fixture
def world(backend: Backend) -> Iterator[World]:
    opened = World(backend)
    yield opened
    opened.alone.close()


def test_random_lives_of_orders(world: World, backend: Backend) -> None:
    walk(StockMachine, lives=12 if backend.dialect == "sqlite" else 4, steps=25, world=world)
