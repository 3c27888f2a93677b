"""Which ids of the merchant's own are taken: what nobody can see, or tell from another, is refused with its place."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.external_ids import LONGEST, ExternalId, fault_of

SOUND = ["c1", "SKU-001/红 大", "客户0001", "a b", "ก็", "नमस्ते", "Å", "+86 138", "x" * LONGEST, "😀"]


@pytest.mark.parametrize("text", SOUND)
def test_what_people_see_is_taken(text: str) -> None:
    assert fault_of(text) is None
    assert TypeAdapter(ExternalId).validate_python(text) == text, "and never changed"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1 to 200"),
        ("x" * (LONGEST + 1), "1 to 200"),
        (" c1", "begins with a blank, U+0020"),
        ("c1 ", "ends with a blank, U+0020"),
        ("c1\u3000", "ends with a blank, U+3000"),
        ("c1\n", "ends with a blank, U+000A"),
        ("a\u00a0b", "character 2 is U+00A0, a blank other than the plain space"),
        ("a\u200bb", "character 2 is U+200B, an invisible character"),
        ("\ufeffc1", "character 1 is U+FEFF, an invisible character"),
        ("ab\u202ec", "character 3 is U+202E, an invisible character"),
        ("a\x00b", "character 2 is U+0000, a control character"),
        ("a\x7fb", "character 2 is U+007F, a control character"),
        ("a\u2028b", "character 2 is U+2028, a line break"),
        ("a\ue000", "character 2 is U+E000, a character of private use"),
        ("a\uffff", "character 2 is U+FFFF, no character"),
        ("a\ud800", "character 2 is U+D800, half a character"),
        ("a\u3164", "character 2 is U+3164, an invisible character"),
        ("\u2800", "character 1 is U+2800, an invisible character"),
        ("❤\ufe0f", "character 2 is U+FE0F, an invisible character"),
        ("张\ufffd", "character 2 is U+FFFD, which stands for one that was lost"),
        ("cafe\u0301", "from character 4 on (U+0065) it is not in Unicode's form NFC"),
        ("\uf900", "from character 1 on (U+F900) it is not in Unicode's form NFC"),
    ],
)
def test_what_nobody_sees_is_named_with_its_place(text: str, words: str) -> None:
    assert words in str(fault_of(text))


def test_the_problem_says_it() -> None:
    with pytest.raises(ValidationError, match=r"This can't be an id: character 2 is U\+200B, an invisible character"):
        TypeAdapter(ExternalId).validate_python("a\u200bb")


@given(st.text(max_size=20))
def test_a_sound_id_has_one_spelling_and_nothing_unseen(text: str) -> None:
    if fault_of(text) is None:
        assert text == text.strip() == unicodedata.normalize("NFC", text)
        assert {unicodedata.category(one)[0] for one in text if one != " "}.isdisjoint("CZ")


def test_no_single_character_of_an_unseen_kind_gets_through() -> None:
    for one in map(chr, (*range(0x14000), *range(0xE0000, 0xE0200), 0x10FFFF)):
        if unicodedata.category(one)[0] in "CZ" and one != " ":
            assert fault_of(f"a{one}b") is not None, hex(ord(one))
