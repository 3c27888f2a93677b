"""What the tests' PostgreSQL database keeps from one test for the next: tables as the migrations make them, and empty."""

import asyncpg
import pytest
from conftest import Backend

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock
from shared.messaging import LocalBus

OUTBOX = "INSERT INTO coupon.outbox (pack_id, name, body, created_at) VALUES ('a', 'a', 'a', now()) RETURNING seq"
CHECK = "CHECK (discount >= 0 AND discount <= subtotal)"
CHANGES = {
    "rows": OUTBOX,
    "a constraint dropped": "ALTER TABLE coupon.checkout DROP CONSTRAINT ck_checkout_discount",
    "a constraint dropped and made again": "ALTER TABLE coupon.checkout DROP CONSTRAINT ck_checkout_discount,"
    f" ADD CONSTRAINT ck_checkout_discount {CHECK}",
    "an index dropped": "DROP INDEX coupon.uq_coupon_once_reference",
    "a function more": "CREATE FUNCTION coupon.mine() RETURNS int LANGUAGE sql RETURN 1",
    "a table more": "CREATE TABLE coupon.mine (id int)",
    "a default": "ALTER TABLE coupon.template ALTER kind SET DEFAULT 'coupon'",
    "no version": "DROP TABLE coupon.alembic_version",
    "another version": "UPDATE coupon.alembic_version SET version_num = '0000'",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_only_what_is_unchanged_is_kept(bus: LocalBus, clock: ManualClock, backend: Backend, change: str) -> None:
    server = backend.server
    assert server is not None
    # It is not started: its loops would wait for the tables that are taken away, and be waited for.
    service = create_service(CouponSettings(database_url=backend.database_url), bus, clock)
    await server.migrated(service)
    connection = await asyncpg.connect(server.url)
    try:
        whole = "SELECT 'coupon.checkout'::regclass::oid, (SELECT count(*) FROM pg_class WHERE relname LIKE 'uq_%')"
        before = await connection.fetchrow(whole)
        await connection.execute(CHANGES[change])
        await server.empty()
        assert await connection.fetchval("SELECT to_regnamespace('coupon')") is None  # the next test finds nothing
        await server.migrated(service)
        after = await connection.fetchrow(whole)
        assert (before[0] == after[0]) == (change == "rows")
        assert before[1] == after[1]
        assert await connection.fetchval(OUTBOX) == 1
    finally:
        await connection.close()
        await service.kit.db.close()
