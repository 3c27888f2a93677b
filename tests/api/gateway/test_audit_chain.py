"""The chain of the audit log: a cut, a change and a rewriting show, and forgetting the oldest breaks nothing."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from kit.gateway import Suite
from kit.operators import operator
from sqlalchemy import delete, select, update

from gateway.audit_log.chain import Chain
from gateway.audit_log.log import AuditLog
from gateway.audit_log.models import AuditChain, AuditEntry
from gateway.audit_log.rules import NOTHING, entry_hash
from gateway.settings import GatewaySettings
from shared.clock import ManualClock


async def filled(suite: Suite, entries: int = 12) -> dict[str, Any]:
    """Some entries with their place; answers what `verify` says."""
    log = AuditLog(suite.gateway.kit)
    for number in range(entries):
        async with suite.gateway.kit.db.write() as tx:
            await log.record(tx, None, "test.fact", f"obj_{number}", "own_merchant", words="汉字", number=1.5)
    await suite.running.tick()
    return await verified(suite)


async def verified(suite: Suite, **anchor: Any) -> dict[str, Any]:
    got = await suite.client().get("/v1/audit-log/verify", params=anchor)
    assert got.status_code == 200, got.text
    view: dict[str, Any] = got.json()
    return view


async def damage(suite: Suite, statement: Any) -> None:
    async with suite.gateway.kit.db.write() as tx:
        await tx.run(statement)


async def test_what_was_written_is_found_again(suite: Suite) -> None:
    told = await filled(suite)
    assert (told["ok"], told["faults"], told["first_seq"]) == (True, [], 1)
    assert told["entries"] == told["seq"] >= 12
    assert await verified(suite, seq=told["seq"], hash=told["hash"]) == told


async def test_no_entry_at_all_is_a_whole_chain(suite: Suite) -> None:
    await damage(suite, delete(AuditEntry.table))
    assert (await verified(suite))["hash"] == NOTHING


@pytest.mark.parametrize("column", ["actor", "action", "object_id", "at", "detail", "after", "status", "owner_id"])
async def test_a_change_shows_where_it_is(suite: Suite, clock: ManualClock, column: str) -> None:
    await filled(suite)
    values = {"at": clock.advance(seconds=1), "detail": {"words": "别的"}, "after": {"a": 1}, "status": 200}
    await damage(suite, update(AuditEntry.table).where(AuditEntry.c.seq == 5).values({column: values.get(column, "x")}))
    told = await verified(suite)
    assert [(one["kind"], one["seq"]) for one in told["faults"]] == [("changed", 5)]


async def test_a_cut_shows_where_it_is(suite: Suite) -> None:
    await filled(suite)
    await damage(suite, delete(AuditEntry.table).where(AuditEntry.c.seq.in_((5, 6))))
    assert [(one["kind"], one["seq"]) for one in (await verified(suite))["faults"]] == [("missing", 5)]


async def test_a_cut_at_either_end_shows(suite: Suite) -> None:
    last = (await filled(suite))["seq"]
    await damage(suite, delete(AuditEntry.table).where(AuditEntry.c.seq == last))
    assert [(one["kind"], one["seq"]) for one in (await verified(suite))["faults"]] == [("missing", last)]
    await damage(suite, delete(AuditEntry.table).where(AuditEntry.c.seq == 1))
    assert [one["seq"] for one in (await verified(suite))["faults"]] == [1, last]


async def test_another_order_shows(suite: Suite) -> None:
    await filled(suite)
    for one, other in ((4, 1004), (5, 4), (1004, 5)):
        await damage(suite, update(AuditEntry.table).where(AuditEntry.c.seq == one).values(seq=other))
    assert {one["seq"] for one in (await verified(suite))["faults"]} >= {4, 5}


async def test_a_chain_that_was_rewritten_whole_is_found_out_by_an_older_hash(suite: Suite) -> None:
    """By somebody with the database in their hands, who computes every hash anew."""
    before = await filled(suite)
    db = suite.gateway.kit.db
    async with db.write() as tx:
        await tx.run(delete(AuditEntry.table).where(AuditEntry.c.seq == 5))
        rows = await tx.rows(AuditEntry, select(AuditEntry.table).order_by(AuditEntry.c.seq))
        previous = NOTHING
        for seq, row in enumerate(rows, 1):
            own = entry_hash(row, seq, previous)
            place = {"seq": seq, "previous": previous, "hash": own}
            await tx.run(update(AuditEntry.table).where(AuditEntry.c.id == row.id).values(**place))
            previous = own
        await tx.run(update(AuditChain.table).values(seq=len(rows), hash=previous))
    assert (await verified(suite))["ok"] is True
    told = await verified(suite, seq=before["seq"], hash=before["hash"])
    assert [one["kind"] for one in told["faults"]] == ["rewritten"]


async def test_ten_writers_at_once_make_one_chain(suite: Suite) -> None:
    kit = suite.gateway.kit
    assert isinstance(kit.settings, GatewaySettings)
    log = AuditLog(kit)
    chains = [Chain(kit, kit.settings, log) for _ in range(4)]

    async def write(number: int) -> None:
        for turn in range(5):
            async with kit.db.write() as tx:
                await log.record(tx, None, "test.fact", f"obj_{number}_{turn}", "own_merchant")
            await chains[number % 4].tick()

    await asyncio.gather(*(write(number) for number in range(10)))
    await chains[0].tick()
    told = await verified(suite)
    assert (told["ok"], told["entries"]) == (True, told["seq"])
    assert told["seq"] >= 50


async def test_who_has_an_export_checks_it_without_us(suite: Suite) -> None:
    told = await filled(suite)
    lines = (await suite.client().get("/v1/audit-log/export", params={"format": "jsonl"})).text.splitlines()
    previous = NOTHING
    for entry in sorted((json.loads(line) for line in lines), key=lambda one: one["seq"]):
        hashed = entry.pop("hash")
        assert entry["previous"] == previous
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == hashed
        previous = hashed
    assert previous == told["hash"]


async def test_the_oldest_are_forgotten_and_the_chain_holds(suite: Suite, clock: ManualClock) -> None:
    before = await filled(suite)
    clock.advance(seconds=400 * 86400)
    young = await filled(suite, 3)
    clock.advance(seconds=400 * 86400)
    await suite.running.tick()
    await suite.running.tick()
    told = await verified(suite)
    assert (told["ok"], told["first_seq"]) == (True, before["seq"] + 1)
    assert (await verified(suite, seq=young["seq"], hash=young["hash"]))["ok"] is True
    assert (await verified(suite, seq=before["seq"], hash=before["hash"]))["faults"][0]["kind"] == "rewritten"
    pruned = (await suite.client().get("/v1/audit-log", params={"action": "audit_log.prune"})).json()["data"]
    assert pruned[0]["detail"] == {"entries": before["seq"], "until_seq": before["seq"], "hash": before["hash"]}
    await damage(suite, delete(AuditEntry.table).where(AuditEntry.c.seq == told["first_seq"]))
    assert [one["kind"] for one in (await verified(suite))["faults"]] == ["missing"]


async def test_only_who_may_read_the_log_verifies_it(suite: Suite) -> None:
    browser = await operator(suite, role="developer")
    assert (await browser.get("/v1/audit-log/verify")).status_code == 403
    partner = await suite.key(kind="partner", scopes=["gateway:audit:read"])
    assert (await suite.client(partner).get("/v1/audit-log/verify")).status_code == 403
    half = await suite.client().get("/v1/audit-log/verify", params={"seq": 1})
    assert (half.status_code, half.json()["errors"][0]["pointer"]) == (422, "?hash")
