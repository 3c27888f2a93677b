"""The sample shop: a small fashion shop with six weeks behind it, made by this code and loaded through the public API.

Everything comes from one seeded generator, so each installation gets the same shop; only its dates count back from the
day of loading. Loading it again changes nothing: what exists is left alone, events and orders are known by their ids.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from shared.language import say
from suite.client import Client, Problem

SEED = 20261111
DAYS = 42
CUSTOMERS = 60
SOURCE = "sample_shop"

LOCATIONS = (
    ("wh-hangzhou", "杭州中心仓", "warehouse", 30.27, 120.16),
    ("wh-guangzhou", "广州仓", "warehouse", 23.13, 113.26),
    ("store-shanghai", "上海南京西路店", "store", 31.23, 121.46),
)
# sku, name, category, price in minor units
PRODUCTS = (
    ("SCARF-GREY", "羊绒围巾（灰）", "accessories", 29_900),
    ("SCARF-RED", "羊绒围巾（红）", "accessories", 29_900),
    ("SHIRT-SILK", "真丝衬衫", "tops", 45_900),
    ("TEE-WHITE", "纯棉T恤（白）", "tops", 9_900),
    ("TEE-BLACK", "纯棉T恤（黑）", "tops", 9_900),
    ("COAT-WOOL", "双面羊毛大衣", "outerwear", 129_900),
    ("DOWN-LIGHT", "轻薄羽绒服", "outerwear", 59_900),
    ("JEANS-SLIM", "修身牛仔裤", "trousers", 25_900),
    ("BOOTS-ANKLE", "真皮短靴", "shoes", 68_900),
    ("SNEAKER-WHITE", "小白鞋", "shoes", 35_900),
    ("BAG-CANVAS", "帆布托特包", "bags", 15_900),
    ("BELT-LEATHER", "牛皮腰带", "accessories", 18_900),
)
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "磊",
    "洋",
    "艳",
    "勇",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "晓雨",
    "思远",
    "雨桐",
    "子轩",
)
CITIES = ("上海", "杭州", "广州", "深圳", "成都", "北京", "武汉", "南京")
TIERS = ("normal", "normal", "normal", "silver", "silver", "gold", "diamond")


@dataclass(frozen=True)
class Visit:
    """One customer's visit: what they saw, what went into the cart, whether they bought."""

    number: int
    customer: dict[str, Any]
    at: datetime
    seen: tuple[int, ...]  # indexes into PRODUCTS
    carted: tuple[int, ...]
    bought: bool


def customers() -> list[dict[str, Any]]:
    """The shop's customers with their traits."""
    chance = random.Random(SEED)  # noqa: S311 - a reproducible shop, no secret
    return [
        {
            "customer_id": f"sample-{number:03d}",
            "name": chance.choice(SURNAMES) + chance.choice(GIVEN),
            "city": chance.choice(CITIES),
            "tier": chance.choice(TIERS),
            "birthday": f"{chance.randint(1970, 2006)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        }
        for number in range(1, CUSTOMERS + 1)
    ]


def visits(today: datetime) -> list[Visit]:
    """Six weeks of visits up to the evening before `today`, oldest first. Some customers come often, some once."""
    chance = random.Random(SEED + 1)  # noqa: S311
    found: list[Visit] = []
    midnight = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for customer in customers():
        for _ in range(min(12, 1 + int(chance.expovariate(0.4)))):
            at = midnight - timedelta(days=chance.randint(1, DAYS), seconds=-chance.randint(0, 50_000))
            seen = tuple(chance.sample(range(len(PRODUCTS)), chance.randint(1, 4)))
            carted = seen[: chance.randint(0, len(seen))]
            found.append(Visit(0, customer, at, seen, carted, bool(carted) and chance.random() < 0.55))
    found.sort(key=lambda visit: (visit.customer["customer_id"], visit.at))
    numbered = [Visit(n, v.customer, v.at, v.seen, v.carted, v.bought) for n, v in enumerate(found, 1)]
    return sorted(numbered, key=lambda visit: visit.at)


def messages(visit: Visit) -> Iterator[dict[str, Any]]:
    """The tracking messages of a visit, without its order: orders come in as history."""
    traits = {name: value for name, value in visit.customer.items() if name != "customer_id"}
    yield _message(visit, 0, {"type": "identify", "traits": traits})
    for step, index in enumerate(visit.seen, 1):
        yield _message(visit, step, {"type": "track", "event": "Product Viewed", "properties": product(index)})
    for step, index in enumerate(visit.carted, 10):
        properties = {**product(index), "cart_id": f"sample-cart-{visit.number:04d}"}
        yield _message(visit, step, {"type": "track", "event": "Product Added", "properties": properties})


def order(visit: Visit) -> dict[str, Any]:
    """The order of a visit that ended in one, as the import takes it."""
    return {
        "order_id": f"S{visit.number:05d}",
        "customer_id": visit.customer["customer_id"],
        "ordered_at": (visit.at + timedelta(minutes=20)).isoformat(),
        "lines": [
            {
                "sku": PRODUCTS[index][0],
                "name": PRODUCTS[index][1],
                "category": PRODUCTS[index][2],
                "quantity": 1,
                "unit_price": PRODUCTS[index][3],
            }
            for index in visit.carted
        ],
    }


def product(index: int) -> dict[str, Any]:
    """The properties of a product as an SDK sends them: the price as a decimal."""
    sku, name, category, price = PRODUCTS[index]
    return {"product_id": sku, "sku": sku, "name": name, "category": category, "price": price / 100, "quantity": 1}


def _message(visit: Visit, step: int, body: dict[str, Any]) -> dict[str, Any]:
    at = (visit.at + timedelta(minutes=step)).isoformat()
    identity = {"userId": visit.customer["customer_id"], "messageId": f"{SOURCE}-{visit.number:04d}-{step}"}
    return {**body, **identity, "timestamp": at}


async def load(client: Client, console: Console) -> None:
    """Bring the shop into a running suite; what is there already stays as it is. Raises Problem, NotRunning."""
    console.print(say("\n[bold]The sample shop 示例店铺[/bold]", "\n[bold]示例店铺[/bold]"))
    places = sum([await _location(client, *location) for location in LOCATIONS])
    await _stock(client)
    console.print(
        say(
            f"   {len(LOCATIONS)} locations ({places} new) with stock of {len(PRODUCTS)} products",
            f"   {len(LOCATIONS)} 个库存地点（新增 {places} 个），{len(PRODUCTS)} 种商品有货",
        )
    )
    past = visits(datetime.now(UTC))
    sent = [message for visit in past for message in messages(visit)]
    for start in range(0, len(sent), 200):
        await client.post("/v1/batch", {"batch": sent[start : start + 200]})
    orders = [order(visit) for visit in past if visit.bought]
    answer = await client.post("/v1/imports/orders", {"source": SOURCE, "currency": "CNY", "orders": orders})
    console.print(
        say(
            f"   {CUSTOMERS} customers with {len(sent)} events of the last {DAYS} days",
            f"   {CUSTOMERS} 位客户最近 {DAYS} 天的 {len(sent)} 个行为事件",
        )
    )
    console.print(
        say(
            f"   {answer['accepted']} orders are new, {answer['duplicates']} were there",
            f"   新增 {answer['accepted']} 笔订单，{answer['duplicates']} 笔已在",
        )
    )
    made = await _missing(client, "/v1/coupon-templates", templates()) + await _missing(
        client, "/v1/segments", segments()
    )
    console.print(say(f"   {made} coupon templates and segments are new", f"   新增 {made} 个券模板与人群"))


async def _location(client: Client, place: str, name: str, kind: str, lat: float, lng: float) -> int:
    try:
        await client.get(f"/v1/locations/{place}")
    except Problem as error:
        if error.status != 404:
            raise
        body = {"id": place, "name": name, "kind": kind, "geo": {"lat": lat, "lon": lng}}
        await client.post("/v1/locations", body)
        return 1
    return 0


async def _stock(client: Client) -> None:
    """Opening stock of every product; the reference makes it count once."""
    chance = random.Random(SEED + 2)  # noqa: S311
    for sku, *_ in PRODUCTS:
        lines = [{"sku": sku, "location_id": place, "change": chance.randint(5, 80)} for place, *_ in LOCATIONS]
        body = {"lines": lines, "reason": "received", "reference": f"{SOURCE}-opening-{sku}"}
        await client.post("/v1/stock/adjustments", body)


async def _missing(client: Client, path: str, bodies: list[dict[str, Any]]) -> int:
    """Create those whose name is not there yet; how many those were."""
    names = {existing["name"] for existing in await client.all(path)}
    fresh = [body for body in bodies if body["name"] not in names]
    for body in fresh:
        await client.post(path, body)
    return len(fresh)


def templates() -> list[dict[str, Any]]:
    """Three coupons of a Chinese shop."""
    validity, currency = {"days_after_claim": 30}, "CNY"
    return [
        {
            "name": "新人券 无门槛减20",
            "currency": currency,
            "benefit": {"kind": "amount_off", "amount": 2000},
            "validity": validity,
            "limits": {"total": 10_000, "per_customer": 1},
        },
        {
            "name": "满500减100",
            "currency": currency,
            "benefit": {"kind": "amount_off", "amount": 10_000},
            "threshold": {"amount": 50_000},
            "validity": validity,
            "limits": {"total": 1000, "per_customer": 2},
        },
        {
            "name": "会员日 8折",
            "currency": currency,
            "benefit": {"kind": "percent_off", "percent_bp": 2000, "max_amount": 20_000},
            "validity": validity,
            "limits": {"total": 5000, "per_customer": 1},
        },
    ]


def segments() -> list[dict[str, Any]]:
    """Three audiences that the shop's six weeks fill."""
    zone, month = "Asia/Shanghai", {"last": "30d", "mode": "rolling"}
    bought = {"event": "Order Completed", "measure": "count", "op": "gte", "value": 1, "within": month}
    often = {**bought, "value": 2}
    carted = {**bought, "event": "Product Added"}
    return [
        {"name": "近30天复购客户", "time_zone": zone, "rule": often},
        {"name": "近30天加购未下单", "time_zone": zone, "rule": {"all": [carted, {"not": bought}]}},
        {
            "name": "江浙沪会员",
            "time_zone": zone,
            "rule": {
                "all": [
                    {"trait": "city", "op": "in", "value": ["上海", "杭州", "南京"]},
                    {"trait": "tier", "op": "in", "value": ["silver", "gold", "diamond"]},
                ]
            },
        },
    ]
