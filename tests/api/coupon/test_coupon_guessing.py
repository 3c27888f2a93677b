"""Guessing: failures are counted whatever becomes of the request, and who guessed too often is told one thing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import nullcontext
from contextvars import Context
from typing import Any, NoReturn

import pytest
from api.coupon.mall import Mall
from api.coupon.test_coupon_codes import batch, redeem
from conftest import RunService

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.abuse.cache import ControlsCache
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import AbuseFailure
from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock
from shared.db import DatabaseBusy
from shared.db.turns import Turns
from shared.web import Client, NotFound, TooManyRequests

SHOPPER = Client("203.0.113.9", "phone-1")


@pytest.fixture
async def limiters(mall: Mall) -> AsyncIterator[list[AttemptLimiter]]:
    """Two processes' limiters: nothing shared but the database."""
    settings = CouponSettings(
        guess_budget_customer=5, guess_budget_device=6, guess_budget_address=8, guess_budget_template=20
    )
    kit, hashes = mall.running.service.kit, Fingerprints("secret")
    found = [AttemptLimiter(kit, settings, hashes, ControlsCache(kit, hashes)) for _ in range(2)]
    async with found[0].group.running(), found[1].group.running():
        yield found


async def guess(
    limiter: AttemptLimiter,
    customer_id: str | None,
    client: Client = SHOPPER,
    right: bool = False,
    joined: bool = False,
) -> str:
    """What the caller sees of one guess, made as a use case would: within a transaction that a refusal rolls back."""
    db = limiter._kit.db

    async def request() -> None:
        async with limiter.admit(client, customer_id) as attempt, db.write() as tx:
            await attempt.of_template(tx, "tpl_1")
            await asyncio.sleep(0)
            if not right:
                attempt.failed("tpl_1")
                raise NotFound("invalid_code", "No.")

    try:
        if joined:
            async with db.joined():
                await request()
        else:
            await request()
    except (NotFound, TooManyRequests) as problem:
        return problem.code
    return "right"


@pytest.mark.parametrize("joined", [False, True])
async def test_a_used_up_budget_refuses_right_and_wrong_alike(
    limiters: list[AttemptLimiter], clock: ManualClock, joined: bool
) -> None:
    answers = [await guess(limiters[0], "c1", joined=joined) for _ in range(4)]
    assert await guess(limiters[0], "c1", right=True, joined=joined) == "right"
    answers += [await guess(limiters[0], "c1", joined=joined) for _ in range(2)]
    assert Counter(answers) == {"invalid_code": 5, "too_many_attempts": 1}, "a success refills nothing"
    assert await guess(limiters[0], "c1", right=True, joined=joined) == "too_many_attempts"
    assert await guess(limiters[1], "c1", right=True) == "too_many_attempts", "another process knows it too"
    assert await guess(limiters[0], "c2", Client("198.51.100.1", "other"), right=True) == "right"
    with pytest.raises(TooManyRequests) as refused:
        async with limiters[0].admit(SHOPPER, "c1"):
            pass
    assert refused.value.headers["Retry-After"] == "600"
    clock.advance(seconds=601)
    assert await guess(limiters[0], "c1", right=True, joined=joined) == "right"


@pytest.mark.parametrize("joined", [False, True])
async def test_a_guess_that_could_not_be_counted_is_not_under_way_for_ever(
    limiters: list[AttemptLimiter], monkeypatch: pytest.MonkeyPatch, joined: bool
) -> None:
    db = limiters[0]._kit.db

    def busy() -> NoReturn:
        raise DatabaseBusy("no connection")

    for _ in range(6):
        with pytest.raises(DatabaseBusy), monkeypatch.context() as patch:
            async with db.joined() if joined else nullcontext(), limiters[0].admit(SHOPPER, "c1") as attempt:
                attempt.failed()
                patch.setattr(db, "write", busy)
    assert await guess(limiters[0], "c1", right=True) == "right"


async def test_who_has_the_last_connection_does_not_wait_for_who_wants_it(
    limiters: list[AttemptLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules were changed: whoever reads them again needs a connection, and all are with those who ask for the rules."""
    controls, db, one = limiters[0]._controls, limiters[0]._kit.db, Turns("coupon", 1)
    monkeypatch.setattr(db, "_writing", one)
    monkeypatch.setattr(db, "_reading", one)
    async with db.joined():
        waiting = asyncio.create_task(controls.refresh(), context=Context())
        await asyncio.sleep(0.01)
        controls._note_change()
        assert (await asyncio.wait_for(controls.current(), 5)).rules == ()
        assert not waiting.done()
    await waiting


async def test_ten_guesses_in_one_attempt_are_ten_guesses(limiters: list[AttemptLimiter]) -> None:
    """A cart may name several codes: it pays for each that is wrong, and is told nothing when they are too many."""
    with pytest.raises(TooManyRequests):
        async with limiters[0].admit(SHOPPER, "c1") as attempt:
            for _ in range(6):
                attempt.failed("tpl_1")
            raise NotFound("invalid_code", "No.")
    assert await guess(limiters[1], "c1", right=True) == "too_many_attempts"
    async with limiters[0]._kit.db.read() as tx:
        assert {row.failures for row in await tx.execute(AbuseFailure.table.select())} == {6}


async def test_changing_customers_does_not_help_on_one_device_or_address(limiters: list[AttemptLimiter]) -> None:
    on_device = [await guess(limiters[0], f"c{number}", Client(None, "d")) for number in range(9)]
    assert Counter(on_device) == {"invalid_code": 6, "too_many_attempts": 3}
    household = [
        await guess(limiters[0], f"d{number}", Client(f"2001:db8:1:2::{number}", f"e{number}")) for number in range(11)
    ]
    assert Counter(household) == {"invalid_code": 8, "too_many_attempts": 3}
    strangers = [await guess(limiters[0], f"f{number}", Client(f"198.51.100.{number}")) for number in range(9)]
    assert Counter(strangers) == {"invalid_code": 6, "too_many_attempts": 3}, "20 of the template in all"


async def test_a_server_that_names_nobody_is_not_one_shopper(limiters: list[AttemptLimiter]) -> None:
    server = Client("192.0.2.1", None, server=True)
    answers = await asyncio.gather(*[guess(limiters[0], f"c{number}", server, right=True) for number in range(40)])
    assert set(answers) == {"right"}
    assert {await guess(limiters[0], f"c{number}", server) for number in range(19)} == {"invalid_code"}


@pytest.mark.parametrize("joined", [False, True])
async def test_all_at_once_at_two_processes_is_no_way_round(limiters: list[AttemptLimiter], joined: bool) -> None:
    calls = [guess(limiters[number % 2], "c1", joined=joined) for number in range(40)]
    seen = Counter(await asyncio.gather(*calls))
    assert seen["invalid_code"] + seen["too_many_attempts"] == 40
    looked_at = seen["invalid_code"]
    assert looked_at <= 5 * (2 if joined else 1), "an answer is withheld once the budget is gone"
    assert (
        await guess(limiters[0], "c1", right=True) == await guess(limiters[1], "c1", right=True) == "too_many_attempts"
    )
    assert not any(limiter._trying for limiter in limiters)


async def test_what_is_stored_is_no_address_and_no_device(
    mall: Mall, limiters: list[AttemptLimiter], clock: ManualClock
) -> None:
    await guess(limiters[0], "李雷")
    async with limiters[0]._kit.db.read() as tx:
        rows: Any = (await tx.execute(AbuseFailure.table.select())).all()
    assert {row.subject for row in rows} == {"address", "customer", "device", "template"}
    assert not any(word in str(rows) for word in ("203.0.113", "phone-1", "李雷"))
    clock.advance(seconds=600 + 86_401)
    await next(loop for loop in mall.running.service.loops if loop.name == "prune guesses").tick()
    async with limiters[0]._kit.db.read() as tx:
        assert (await tx.execute(AbuseFailure.table.select())).all() == []


async def test_a_template_that_everybody_guesses_at_gives_nothing_for_a_while(
    run_service: RunService, clock: ManualClock
) -> None:
    """Reference 8: globally per template, whoever guesses; right and wrong codes get the same answer then."""
    mall = Mall(await run_service(create_service, CouponSettings, guess_budget_template=3))
    template_id = await mall.template()
    _, codes = await batch(mall, template_id)
    assert (await redeem(mall, codes[0], "owner")).status_code == 201
    thieves = [await redeem(mall, codes[0], f"thief{number}") for number in range(3)]
    assert {answer.json()["code"] for answer in thieves} == {"coupon_invalid"}
    right = await redeem(mall, codes[1], "c1")
    assert (right.status_code, right.json()["code"], right.headers["retry-after"]) == (429, "too_many_attempts", "600")
    assert (await redeem(mall, codes[0], "owner")).status_code == 201, "theirs already: nothing to guess"
    clock.advance(seconds=601)
    assert (await redeem(mall, codes[1], "c1")).status_code == 201
    assert await mall.audit() == {}
