"""Pure rules of sharing, scanning and draws."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.draws.models import DrawPrize
from services.coupon.draws.rules import WHOLE, Replay, closed_now, drawn_at, linked, point, seed_hash
from services.coupon.scanning.models import ClaimCode
from services.coupon.scanning.rules import GRACE_SECONDS, Token, genuine, in_time, read, sign
from services.coupon.sharing.rules import refused_help, share_status

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
KEY, OTHER = "ab" * 32, "cd" * 32
CODE_ID = "clc_01JD0000000000000000000000"
SEED = "07" * 32


def claim_code(**fields: Any) -> ClaimCode:
    base: dict[str, Any] = {"key": KEY, "status": "active", "valid_until": None, "rotating": True, "ttl_seconds": 60}
    return ClaimCode(**{**base, **fields})


@given(st.integers(0, 10**11))
def test_a_signed_token_is_read_and_proven(until: int) -> None:
    token = read(sign(KEY, CODE_ID, until))
    assert token == Token(CODE_ID, until, token.signature if token else "")
    assert token is not None
    assert genuine(token, claim_code())
    assert not genuine(token, claim_code(key=OTHER))
    assert not genuine(token, None)


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_worthless(data: st.DataObject) -> None:
    text = sign(KEY, CODE_ID, 1_800_000_000)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghjkmnpqrstvwxyzABCDEFGHJKMNPQRSTVWXYZ._-"))
    if other == text[place]:
        return
    token = read(text[:place] + other + text[place + 1 :])
    # A last character of base32 holds two bits that say nothing: another spelling of the same is refused, too.
    assert token is None or not genuine(token, claim_code())


@pytest.mark.parametrize(
    ("fields", "left", "good"),
    [
        ({}, 60, True),
        ({}, 0, True),
        ({}, -GRACE_SECONDS, True),
        ({}, -GRACE_SECONDS - 1, False),
        ({}, 60 + GRACE_SECONDS + 1, False),
        ({"status": "paused"}, 30, False),
        ({"valid_until": NOW}, 30, False),
        ({"rotating": False}, 30, False),
    ],
)
def test_a_rotating_token_lives_for_a_minute(fields: dict[str, Any], left: int, good: bool) -> None:
    token = Token(CODE_ID, int(NOW.timestamp()) + left, "")
    assert in_time(token, claim_code(**fields), NOW) is good


def test_a_poster_lives_as_long_as_its_code() -> None:
    assert in_time(Token(CODE_ID, 0, ""), claim_code(rotating=False), NOW)
    assert not in_time(Token(CODE_ID, 0, ""), claim_code(rotating=True), NOW)


@pytest.mark.parametrize(
    ("helps", "ends", "offer", "who", "code"),
    [
        (0, 1, "active", "friend", None),
        (0, 1, "active", "sharer", "own_share"),
        (3, 1, "active", "friend", "share_complete"),
        (3, -1, "active", "friend", "share_complete"),
        (0, 0, "active", "friend", "share_expired"),
        (0, 1, "paused", "friend", "offer_paused"),
    ],
)
def test_who_may_help(helps: int, ends: int, offer: str, who: str, code: str | None) -> None:
    status = share_status(helps, 3, NOW + timedelta(hours=ends), NOW)
    assert refused_help("sharer", status, offer, who) == code
    assert (status == "open") == (code in (None, "own_share", "offer_paused"))


def test_points_are_fair_and_follow_from_the_seed_alone() -> None:
    points = [point(SEED, "drw_1", number, "c1") for number in range(1, 4001)]
    assert points == [point(SEED, "drw_1", number, "c1") for number in range(1, 4001)]
    assert points != [point("08" * 32, "drw_1", number, "c1") for number in range(1, 4001)]
    tenths = Counter(one // 1000 for one in points)
    assert set(tenths) == set(range(10))
    assert sum((count - 400) ** 2 / 400 for count in tenths.values()) < 28  # chi-squared, 9 degrees: 1 in 1000


@given(st.lists(st.integers(0, 2000), max_size=5), st.integers(0, WHOLE - 1))
def test_a_point_lies_in_the_part_of_one_prize(odds: list[int], at: int) -> None:
    place = drawn_at(at, odds)
    if place is None:
        assert at >= sum(odds)
    else:
        assert sum(odds[:place]) <= at < sum(odds[: place + 1])
        assert odds[place] > 0


@pytest.mark.parametrize(
    ("status", "shift", "code"),
    [
        ("open", 0, None),
        ("open", -1, "draw_not_started"),
        ("open", 24, "draw_ended"),
        ("closed", 0, "draw_closed"),
    ],
)
def test_when_tickets_are_drawn(status: str, shift: int, code: str | None) -> None:
    assert closed_now(status, NOW, NOW + timedelta(hours=24), NOW + timedelta(hours=shift)) == code


def tickets(prizes: list[DrawPrize], number: int) -> list[dict[str, Any]]:
    """True tickets of a draw with prizes that may run out."""
    left = {prize.place: prize.quantity for prize in prizes}
    chain, found = seed_hash(SEED), []
    for at in range(1, number + 1):
        drawn = drawn_at(point(SEED, "drw_1", at, "c"), [prize.odds_bp for prize in prizes])
        prize, reason = drawn, None
        if drawn is not None and left[drawn] == 0:
            prize, reason = prizes[drawn].fallback, "ran_out"
        if prize is not None and (rest := left[prize]) is not None:
            left[prize] = rest - 1
        row = {"number": at, "customer_id": "c", "drawn": drawn, "prize": prize, "reason": reason, "coupon_id": None}
        chain = linked(chain, row)
        found.append({**row, "chain": chain})
    return found


def prize_at(place: int, odds_bp: int, quantity: int | None, fallback: int | None) -> DrawPrize:
    stated: dict[str, Any] = {"place": place, "odds_bp": odds_bp, "quantity": quantity, "fallback": fallback}
    return DrawPrize(draw_id="drw_1", name=f"prize {place}", template_id=None, awarded=0, **stated)


PRIZES = [prize_at(0, 5000, 3, 1), prize_at(1, 2000, None, None)]


def replayed(rows: list[dict[str, Any]], seed: str | None = SEED) -> list[str]:
    replay = Replay("drw_1", seed, seed_hash(SEED), PRIZES)
    return [fault for row in rows for fault in replay.faults(row)]


@pytest.mark.parametrize("seed", [SEED, None])
def test_true_tickets_are_proven(seed: str | None) -> None:
    assert replayed(tickets(PRIZES, 40), seed) == []


@pytest.mark.parametrize(
    ("change", "seed", "said"),
    [
        ({"prize": None}, None, "without a reason"),
        ({"prize": None, "reason": "ran_out"}, None, "had not run out"),
        ({"prize": 7}, None, "does not have"),
        ({"customer_id": "friend of the house"}, SEED, "hash"),
        ({"drawn": 1, "prize": 1}, SEED, "the seed draws"),
    ],
)
def test_a_changed_ticket_is_found(change: dict[str, Any], seed: str | None, said: str) -> None:
    rows = tickets(PRIZES, 10)
    at = next(index for index, row in enumerate(rows) if row["drawn"] == 0)
    rows[at].update(change)
    assert any(said in fault for fault in replayed(rows, seed))


def test_a_missing_ticket_is_found() -> None:
    rows = tickets(PRIZES, 10)
    assert any("missing" in fault for fault in replayed(rows[:3] + rows[4:]))
