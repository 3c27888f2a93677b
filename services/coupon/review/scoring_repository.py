"""The SQL of scoring: which coupons are next, and what was seen around them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select, update

from services.coupon.abuse.rules import ACTIONS
from services.coupon.review.models import AbuseCursor, AbuseShare, AbuseSighting
from services.coupon.templates.models import Template
from services.coupon.wallet.models import Coupon
from shared.db import Prepared, Transaction, insert_ignore, one_of, upsert_bulk

_CURSOR = "claims"


class ClaimedCoupon(NamedTuple):
    """A new coupon, and where the request came from that brought it."""

    id: str
    template_id: str
    customer_id: str
    source: str
    origin_address: str | None
    origin_device: str | None
    issued_at: datetime


class _Crowd(NamedTuple):
    subject: str
    value: str
    number: int


class _Moment(NamedTuple):
    customer_id: str
    issued_at: datetime


class _Issued(NamedTuple):
    id: str
    issued: int


# Built once: the loop runs them for every batch.
_POSITION = Prepared(select(AbuseCursor.c.position).where(AbuseCursor.c.name == _CURSOR))
_LOCK = Prepared(select(AbuseCursor.table).where(AbuseCursor.c.name == _CURSOR).with_for_update(skip_locked=True))
_MOVE = Prepared(update(AbuseCursor.table).where(AbuseCursor.c.name == _CURSOR).values(position=bindparam("to")))
_NEXT = Prepared(
    select(*(Coupon.c[name] for name in ClaimedCoupon._fields))
    .where(Coupon.c.id > bindparam("position"))
    .order_by(Coupon.c.id)
    .limit(bindparam("most"))
)
_CROWDS = (
    select(AbuseSighting.c.subject, AbuseSighting.c.value, func.count().label("number"))
    .where(one_of(AbuseSighting.c.value, "seen"), AbuseSighting.c.last_at > bindparam("since"))
    .group_by(AbuseSighting.c.subject, AbuseSighting.c.value)
)
_MOMENTS = Prepared(
    select(Coupon.c.customer_id, Coupon.c.issued_at).where(
        one_of(Coupon.c.customer_id, "customers"),
        Coupon.c.issued_at > bindparam("since"),
        or_(*(Coupon.c.source == source for source in ACTIONS)),
    )
)
_SHARES = select(AbuseShare.table).where(
    one_of(AbuseShare.c.template_id, "templates"), one_of(AbuseShare.c.device, "devices")
)
_ISSUED = select(Template.c.id, Template.c.issued).where(one_of(Template.c.id, "ids"))


async def find_position(tx: Transaction) -> str | None:
    """Behind which coupon scoring goes on; None before its first round."""
    position: str | None = await tx.scalar(_POSITION)
    return position


async def lock_position(tx: Transaction) -> str | None:
    """The same, locked until the end of the transaction; None while another process is at it."""
    cursor = await tx.row(AbuseCursor, _LOCK)
    return None if cursor is None else cursor.position


async def insert_position(tx: Transaction, begun_before: datetime) -> None:
    """Begin behind the last coupon that was issued before that instant, unless another process has begun."""
    old = await tx.scalar(select(func.max(Coupon.c.id)).where(Coupon.c.issued_at < begun_before))
    await insert_ignore(tx, AbuseCursor.table, [{"name": _CURSOR, "position": old or ""}])


async def update_position(tx: Transaction, position: str) -> None:
    """Everything up to this coupon was scored."""
    await tx.run(_MOVE, {"to": position})


async def following(tx: Transaction, position: str, horizon: datetime, limit: int) -> list[ClaimedCoupon]:
    """The coupons behind `position`, up to the first that is too fresh."""
    found = await tx.rows(ClaimedCoupon, _NEXT, {"position": position, "most": limit})
    fresh = next((index for index, row in enumerate(found) if row.issued_at > horizon), len(found))
    return found[:fresh]


async def next_at(tx: Transaction, position: str) -> datetime | None:
    """When the first coupon behind `position` was issued, however fresh it is."""
    found = await tx.rows(ClaimedCoupon, _NEXT, {"position": position, "most": 1})
    return found[0].issued_at if found else None


async def count_sightings(tx: Transaction, rows: Sequence[ClaimedCoupon], last: datetime) -> None:
    """Remember which customers were seen on which device and address, and how many coupons they got there."""
    sightings: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        for subject, value in (("device", row.origin_device), ("address", row.origin_address)):
            if value is not None:
                sightings[subject, value, row.customer_id] += 1
    counted = [
        {"subject": subject, "value": value, "customer_id": customer_id, "coupons": number, "last_at": last}
        for (subject, value, customer_id), number in sorted(sightings.items())
    ]
    await upsert_bulk(tx, AbuseSighting.table, counted, ["last_at"], added=["coupons"])


async def count_shares(tx: Transaction, rows: Sequence[ClaimedCoupon], last: datetime) -> None:
    """Remember how many coupons of which template each device took."""
    shares = Counter((row.template_id, row.origin_device) for row in rows if row.origin_device is not None)
    counted = [
        {"template_id": template_id, "device": device, "coupons": number, "last_at": last}
        for (template_id, device), number in sorted(shares.items())
    ]
    await upsert_bulk(tx, AbuseShare.table, counted, ["last_at"], added=["coupons"])


async def crowds(tx: Transaction, values: Collection[str], since: datetime) -> dict[tuple[str, str], int]:
    """How many customers were seen on each of these devices and addresses after that instant, by (subject, value)."""
    if not values:
        return {}
    rows = await tx.rows(_Crowd, _CROWDS, {"seen": sorted(values), "since": since})
    return {(row.subject, row.value): row.number for row in rows}


async def moments(tx: Transaction, customers: Collection[str], since: datetime) -> dict[str, list[datetime]]:
    """When each of these customers got coupons of their own asking after that instant."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for row in await tx.rows(_Moment, _MOMENTS, {"customers": sorted(customers), "since": since}):
        found[row.customer_id].append(row.issued_at)
    return found


async def shares(tx: Transaction, templates: Collection[str], devices: Collection[str]) -> dict[tuple[str, str], int]:
    """How many coupons of these templates these devices took, by (template_id, device)."""
    if not devices:
        return {}
    rows = await tx.rows(AbuseShare, _SHARES, {"templates": sorted(templates), "devices": sorted(devices)})
    return {(row.template_id, row.device): row.coupons for row in rows}


async def issued(tx: Transaction, templates: Collection[str]) -> dict[str, int]:
    """How many coupons of each of these templates are given out."""
    return {row.id: row.issued for row in await tx.rows(_Issued, _ISSUED, {"ids": sorted(templates)})}
