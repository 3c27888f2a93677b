"""The examples of the pages about coupons: one for each kind, and their sums are sums."""

import re
from pathlib import Path
from typing import get_args

import pytest

from services.coupon.figures.schemas import PromotionFigures, TemplateFigures
from services.coupon.templates.benefits import Benefit
from suite.handbook.coupon.examples import EXAMPLES, KINDS, NAMES
from suite.handbook.coupon.lifecycle import RUNNING
from suite.handbook.coupon.markdown import POLICIES, Language, example
from suite.handbook.coupon.pages import MARKETERS
from suite.handbook.coupon.refusals import Told, fields_table, told
from suite.handbook.coupon.states import MEANINGS, states_table
from suite.handbook.coupon.worked import refunds, work_out

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def test_every_benefit_kind_has_an_example() -> None:
    kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Benefit)[0])}
    shown = {given.body["benefit"]["kind"] for one in KINDS.values() for given in one.offers}
    assert kinds - shown == set()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_adds_up(name: str) -> None:
    worked = work_out(EXAMPLES[name])
    answer = worked.answer
    assert answer.exact, "a page has room for what is proven only"
    for at, line in enumerate(worked.cart.lines):
        assert line.subtotal == answer.running[at] + answer.points[at] + sum(use.shares[at] for use in answer.uses)
    assert len(answer.uses) + len(answer.refused) == len(worked.offers)
    assert answer.uses, "an example shows something"


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if one.returns])
@pytest.mark.parametrize("policy", POLICIES)
def test_all_that_comes_back_is_all_that_was_paid(name: str, policy: str) -> None:
    worked = work_out(EXAMPLES[name])
    found = refunds(worked, policy)  # type: ignore[arg-type] # one of POLICIES
    assert sum(one.money for one in found) == worked.answer.total
    given = sum(amount for one in found for amount in one.funders.values())
    assert given == sum(use.amount for use in worked.answer.uses)


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("parallel", 6000),
        ("running", 8000),
        ("taobao", 0),
        ("jd", 4250),
        ("order", 7000),
        ("shipping_last", 7000),
    ],
)
def test_the_published_cases_come_out_as_published(name: str, total: int) -> None:
    assert work_out(EXAMPLES[name]).answer.total == total


def test_the_refunds_are_those_of_the_textbook() -> None:
    by_policy = {policy: refunds(work_out(EXAMPLES["policies"]), policy)[0].money for policy in POLICIES}
    assert by_policy == {"keep": 22500, "clawback": 22000}


def test_both_languages_say_the_same_numbers() -> None:
    for name in EXAMPLES:
        english, chinese = (sorted(re.findall(r"¥[\d,]+\.\d\d", example(name, language))) for language in LANGUAGES)
        assert english == chinese, name


@pytest.mark.parametrize("name", RUNNING)
def test_what_is_said_of_running_an_offer_has_the_same_figures_in_both(name: str) -> None:
    english, chinese = (list(RUNNING[name](language)) for language in LANGUAGES)
    assert len(english) == len(chinese)
    figures = r"¥[\d,.]+|\d\d:\d\d|`(?!\w+_at`)\w+`"  # when to try again is said in English only
    assert [re.findall(figures, line) for line in english] == [re.findall(figures, line) for line in chinese]


def test_the_tables_of_limits_and_budgets_are_those_of_a_calculator() -> None:
    text = {name: "\n".join(RUNNING[name]("en")) for name in RUNNING}
    assert text["limits"].count("gets a coupon") == 3, "of a total of three"
    assert "| ¥50.00 | 20 |" in text["budgets"]
    assert "| ¥60.00 | 16 |" in text["budgets"]
    assert "| Tue 2027-06-15 10:00 | Sat 2027-06-19 00:00 |" in text["validity"], "not a week later"


@pytest.mark.parametrize("name", MARKETERS)
def test_the_pages_name_every_figure(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / name).read_text()
    named = {*TemplateFigures.model_fields, *PromotionFigures.model_fields} - {
        "template_id",
        "promotion_id",
        "currency",
        "as_of",
    }
    assert [figure for figure in sorted(named) if f"`{figure}`" not in page] == []


def test_refusals_are_read_from_the_code() -> None:
    found = told()
    codes = {(one.status, one.code) for one in found}
    assert {(409, "coupon_locked"), (409, "checkout_committed"), (422, "idempotency_key_reused")} <= codes
    gone = [one for one in found if (one.status, one.code) == (410, "checkout_expired")]
    assert gone == [Told(410, "checkout_expired", "The lock ran out. Lock again: send the order's checkout once more.")]
    assert "| `zero_pay` |" in fields_table()


def test_a_state_without_a_meaning_is_an_error() -> None:
    from sqlalchemy import CheckConstraint, Column, MetaData, String, Table

    metadata = MetaData()
    Table("coupon", metadata, Column("status", String), CheckConstraint("status IN ('issued', 'eaten')"))
    with pytest.raises(KeyError, match="eaten"):
        states_table(metadata)
    assert MEANINGS["coupon"]["issued"]


def test_lines_are_named_in_both_languages() -> None:
    for one in EXAMPLES.values():
        for line in one.lines:
            assert line["line_id"] in NAMES
