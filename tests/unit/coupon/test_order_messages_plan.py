"""What is forgotten of the order system's messages is found by an index: each hour it must not cost a walk over all of them."""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from services.coupon.base import Base
from services.coupon.orders.models import OrderMessage
from shared.db import Database


async def test_old_unmatched_messages_are_found_by_their_age(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/plan.db", schema="coupon")
    async with db.connection() as connection, connection.begin():
        await connection.run_sync(Base.metadata.tables["order_message"].create)
    where = (OrderMessage.c.outcome == "unmatched") & (OrderMessage.c.received_at < "2026")
    sql = str(select(OrderMessage.c.id).where(where).compile(dialect=sqlite.dialect()))
    async with db.read() as tx:
        plan = (await tx.connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, ("unmatched", "2026"))).all()
    await db.close()
    assert "(outcome=? AND received_at<?)" in plan[0].detail
