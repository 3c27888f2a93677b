"""Codes that people type: the check character, what makes no difference in typing, and what a found code still gives."""

import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.coupon.code_format import (
    ALPHABET,
    MOST_PREFIX,
    check_character,
    corrected,
    new_code,
    new_codes,
    normalised,
    readable,
    well_formed,
)
from services.coupon.codes.looked_up import FoundPublic, FoundUnique, LastUse, UniqueCode
from services.coupon.codes.models import PublicCode
from services.coupon.codes.rules import public_state, unique_state

NOW = datetime(2026, 11, 11, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(days=1), NOW - timedelta(days=1)
prefixes = st.text(ALPHABET, max_size=MOST_PREFIX)
bodies = st.text(ALPHABET, min_size=12, max_size=12)


@given(prefixes)
def test_new_codes_carry_their_check_character(prefix: str) -> None:
    codes = list(islice(new_codes(prefix), 50))
    assert len(set(codes)) == 50
    assert all(well_formed(code) and code.startswith(prefix) and len(code) == len(prefix) + 13 for code in codes)


@given(prefixes, bodies, st.data())
def test_any_single_wrong_character_is_caught(prefix: str, body: str, data: st.DataObject) -> None:
    code = prefix + body + check_character(prefix + body)
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET).filter(lambda one: one != code[place]))
    assert not well_formed(code[:place] + wrong + code[place + 1 :])


@given(prefixes, bodies, st.data())
def test_any_swap_of_neighbours_is_caught(prefix: str, body: str, data: st.DataObject) -> None:
    code = prefix + body + check_character(prefix + body)
    place = data.draw(st.integers(0, len(code) - 2))
    assume(code[place] != code[place + 1])
    assert not well_formed(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


@given(bodies, st.text(" -_\u3000\u200b\u2014\t", max_size=4), st.data())
def test_how_a_code_is_typed_makes_no_difference(body: str, between: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body)))
    assert normalised(body[:place] + between + body[place:].lower()) == body
    wide = "".join(chr(ord(one) + 0xFEE0) for one in body)
    assert normalised(wide) == body


def changes_of_case(typed: str) -> set[str]:
    """What phones, keyboards and spreadsheets make of it, Turkish ones too."""
    turkish = {typed.replace("i", "İ").upper(), typed.replace("I", "ı").lower()}
    cased = {
        typed.upper(),
        typed.lower(),
        typed.casefold(),
        typed.title(),
        typed.swapcase(),
        typed.capitalize(),
    } | turkish
    return cased | {unicodedata.normalize(form, typed) for form in ("NFC", "NFD", "NFKC", "NFKD")}


STUBBORN = "iIıİjJßẞſﬁΐΰϒΣσςᾳᾼᾷῼaAéÉǆǅǄŉǰ1١１०ｉＩกเ\u0e33\u0e48िक\u0301\u0307\u0323\u0331\u0345\u200c\u200d\u00ad\ufe0f\u0640-_ "


@given(st.text(st.sampled_from(STUBBORN) | st.characters(), max_size=12))
def test_no_change_of_case_makes_another_code_and_folding_again_changes_nothing(typed: str) -> None:
    key = normalised(typed)
    assert {normalised(form) for form in (key, *changes_of_case(typed))} == {key}


def test_every_letter_that_has_cases_is_one_letter() -> None:
    cased = [
        one for one in map(chr, range(0x20000)) if len({one.lower(), one.upper(), one.title(), one.casefold()}) > 1
    ]
    assert len(cased) > 2_000
    assert [one for one in cased if {normalised(form) for form in changes_of_case(one)} != {normalised(one)}] == []


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("İndirim", "INDIRIM"),
        ("ındırım", "INDIRIM"),
        ("i\u0307ndirim", "INDIRIM"),
        ("Straße", "STRASSE"),
        ("ＳＡＬＥ　１１", "SALE11"),
        ("SALE١٠", "SALE10"),
        ("SALE१०", "SALE10"),
        ("sa\u00adle\u200b1\ufe0f1\u2060", "SALE11"),
        ("क्\u200dष", "क्ष"),
        ("تخـــفيض", "تخفيض"),
        ("น\u0e49ำ", "น\u0e49\u0e4d\u0e32"),
        ("cafe\u0301", "CAFÉ"),
        ("", ""),
    ],
)
def test_what_is_found_by_what(typed: str, key: str) -> None:
    assert normalised(typed) == key


def test_what_words_differ_by_is_kept() -> None:
    for one, other in (("กี่", "กิ่"), ("की", "कि"), ("CAFE", "CAFÉ"), ("ga", "gà"), ("か", "が"), ("A", "А")):
        assert normalised(one) != normalised(other)


@pytest.mark.parametrize(
    "code", ["ลดราคา", "दिवाली", "تخفيض", "双十一大促", "СКИДКА", "Şubat-İ", "SALE双十一", "中文1", "ЁЛКА1"]
)
def test_codes_are_words_of_any_language(code: str) -> None:
    assert readable(code)


@pytest.mark.parametrize(
    "code", ["", "ab", "a b", "กิ่ง"[:2], "DOUBLЕ", "ΑBC", "SALE!", "🎉SALE", "\u0301abc", "a\u20ddbc", "x" * 41, "ﷺ" * 3]
)
def test_codes_that_nobody_could_type_are_refused(code: str) -> None:
    assert not readable(code)


@given(bodies, st.data())
def test_a_look_alike_is_put_right_only_where_the_check_character_proves_it(body: str, data: st.DataObject) -> None:
    code = body + check_character(body)
    place = data.draw(st.integers(0, 12))
    read = {"D": "0O", "Q": "0O", "7": "1IL", "J": "1IL", "T": "1IL"}.get(code[place])
    typed = code[:place] + data.draw(st.sampled_from(read or "0O1IL")) + code[place + 1 :]
    assert corrected(typed) == (code if read else typed)


@pytest.mark.parametrize("code", ["", "DOUBLE11", "O" * 13, "23456789ABCDE", "双十一"])
def test_other_codes_stay_as_they_are(code: str) -> None:
    assert corrected(code) == code
    assert not well_formed("DOUBLE11")
    assert well_formed(new_code())


@pytest.mark.parametrize(
    ("coupon", "status", "until", "state"),
    [
        (None, "done", None, "usable"),
        (None, "running", LATER, "usable"),
        (None, "done", NOW, "expired"),
        (None, "voided", EARLIER, "voided"),
        ("cpn_1", "voided", EARLIER, "redeemed"),
    ],
)
def test_states_of_a_unique_code(coupon: str | None, status: str, until: datetime | None, state: str) -> None:
    assert unique_state(coupon, status, until, NOW) == state


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "usable"),
        ({"status": "paused"}, "paused"),
        ({"valid_from": LATER}, "not_started"),
        ({"valid_from": NOW, "valid_until": LATER}, "usable"),
        ({"valid_until": NOW}, "expired"),
        ({"total": 3, "used": 3}, "used_up"),
        ({"total": 3, "used": 2}, "usable"),
    ],
)
def test_states_of_a_public_code(fields: dict[str, Any], state: str) -> None:
    assert public_state(public(**fields), NOW) == state


def public(**fields: Any) -> PublicCode:
    base: dict[str, Any] = {
        "id": "pcd_1",
        "status": "active",
        "valid_from": None,
        "valid_until": None,
        "total": None,
        "used": 0,
    }
    return PublicCode(**{**base, "per_customer": 1, **fields})


def test_a_unique_code_is_kept_for_one_and_given_to_one() -> None:
    code = FoundUnique(UniqueCode("b", 7, "CODE", None, None, None, "own_1", "tpl_1", "done", None))
    assert code.keep("c1") == "b:7"
    assert code.busy("c2")
    code.settle("c1", None)  # the grant was refused: it is free again
    assert not code.busy("c2")
    assert code.usable(NOW)
    code.keep("c2")
    code.settle("c2", "cpn_1")
    assert (code.coupon_of("c2"), code.coupon_of("c1"), code.usable(NOW)) == ("cpn_1", None, False)


def test_a_public_code_counts_what_is_kept_and_gives_back_what_was_refused() -> None:
    code = FoundPublic(public(total=2, used=1), {})
    assert code.keep("c1") == "pcd_1:c1:1"
    assert code.busy("c2")
    assert code.usable(NOW)
    code.settle("c1", None)
    assert not code.busy("c2")
    code.keep("c2")
    code.settle("c2", "cpn_2")
    assert (code.usable(NOW), code.coupon_of("c2"), code.number("c2")) == (False, "cpn_2", 1)


def test_a_customer_has_one_unused_coupon_of_a_public_code_at_a_time() -> None:
    live, used = LastUse(1, "cpn_1", live=True), LastUse(1, "cpn_1", live=False)
    assert FoundPublic(public(per_customer=2), {"c1": live}).coupon_of("c1") == "cpn_1"
    assert FoundPublic(public(per_customer=2), {"c1": used}).coupon_of("c1") is None
    assert FoundPublic(public(per_customer=1), {"c1": used}).coupon_of("c1") == "cpn_1"
    assert FoundPublic(public(per_customer=2), {"c1": used}).keep("c1") == "pcd_1:c1:2"
