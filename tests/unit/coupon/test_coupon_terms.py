"""The terms of every benefit kind: what is refused, what it costs at worst, whether it may be free, how it is said."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from unit.coupon.carts import GOODS_KINDS, OTHER_KINDS, Json

from services.coupon.pricing import benefits
from services.coupon.templates import summary as wording
from services.coupon.templates.benefits import Benefit, Kind
from services.coupon.templates.rules import faults, worst_case
from services.coupon.templates.summary import summarise
from services.coupon.templates.terms import Limits, Terms


def terms(benefit: Json, **more: Any) -> Terms:
    return Terms.model_validate({"benefit": benefit, **more})


STEPS: list[Json] = [{"threshold": 300, "amount": 50}, {"threshold": 500, "amount": 100}]


@pytest.mark.parametrize(
    ("benefit", "says"),
    [
        ({"kind": "ladder", "steps": []}, "at least 1"),
        ({"kind": "ladder", "steps": [STEPS[0], {"threshold": 300, "amount": 60}]}, "thresholds must rise"),
        ({"kind": "ladder", "steps": [STEPS[0], {"threshold": 400, "amount": 50}]}, "must rise with its threshold"),
        ({"kind": "ladder", "steps": [STEPS[0], {"threshold": 400, "percent_bp": 500}]}, "mix"),
        ({"kind": "ladder", "steps": [{"threshold": 300}]}, "exactly one"),
        ({"kind": "ladder", "steps": [{"threshold": 300, "amount": 1, "percent_bp": 1}]}, "exactly one"),
        ({"kind": "ladder", "steps": STEPS, "max_amount": 5}, "already say their amounts"),
        ({"kind": "every", "threshold": 0, "amount": 5}, "greater than or equal to 1"),
        ({"kind": "fixed_price", "amount": 0}, "greater than or equal to 1"),
        ({"kind": "buy_get", "buy": {"quantity": 0}, "get": {"quantity": 1}}, "greater than or equal to 1"),
        ({"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1, "percent_bp": 10_001}}, "10000"),
        ({"kind": "bundle_price", "skus": {}, "amount": 5}, "at least 1"),
        ({"kind": "bundle_price", "skus": {"a": 1}, "amount": 5}, "two units at least"),
        ({"kind": "shipping_percent_off", "percent_bp": 0}, "greater than or equal to 1"),
        ({"kind": "gift", "sku": "a", "price": 1}, "Extra inputs"),
        ({"kind": "cash_back"}, "exactly one"),
        ({"kind": "cash_back", "amount": 1, "percent_bp": 1}, "exactly one"),
        ({"kind": "cash_back", "amount": 1, "max_amount": 1}, "leave it out"),
        ({"kind": "cash_back", "amount": 1, "valid_days": 0}, "greater than or equal to 1"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(benefit: Json, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        terms(benefit)


def test_shipping_kinds_stand_in_their_own_layer() -> None:
    free: Json = {"kind": "free_shipping"}
    assert terms(free).stacking.layer == "shipping"
    assert terms(free, stacking={"priority": 3}).stacking.layer == "shipping"
    western = terms(free, stacking={"preset": "western"}, threshold={"amount": 5})
    assert (western.stacking.layer, western.stacking.calculation) == ("shipping", "sequential")
    assert western.threshold.basis == "running"
    with pytest.raises(ValidationError, match="layer shipping"):
        terms(free, stacking={"layer": "coupon"})


def test_a_shipping_fee_is_due_on_what_is_really_paid_unless_the_threshold_says_otherwise() -> None:
    """60.00 less 10 %, free shipping from 59.00: due (Shopware 7197, Craft Commerce 1800). What was stored before stays."""
    for kind in ({"kind": "free_shipping"}, {"kind": "shipping_percent_off", "percent_bp": 5_000}):
        assert terms(kind, threshold={"amount": 5_900}).threshold.basis == "running"
        assert terms(kind, threshold={"amount": 5_900, "basis": "activity"}).threshold.basis == "activity"
        assert terms(kind, stacking={"preset": "chinese"}, threshold={"quantity": 2}).threshold.basis == "running"
    assert terms({"kind": "gift", "sku": "g"}, threshold={"amount": 5_900}).threshold.basis == "activity"


def test_terms_that_were_stored_before_the_new_fields_still_load() -> None:
    stored: Json = {
        "benefit": {"kind": "amount_off", "amount": 1000, "per": "order", "max_units": None},
        "threshold": {"amount": None, "quantity": None, "basis": "activity", "scope": None},
        "scope": {"include": {}, "exclude": {}, "unit_price": None, "tiers": [], "first_order_only": False},
        "validity": {"from": None, "until": None, "days_after_claim": 7, "weekdays": [], "hours": []},
        "stacking": {"preset": "chinese", "layer": "shipping", "group": None},
        "allow_zero_pay": False,
    }
    loaded = Terms.model_validate(stored)
    assert (loaded.refund_policy, loaded.reusable_after_refund, loaded.funder) == ("keep", True, "shop")
    assert Terms.model_validate(loaded.model_dump(mode="json", by_alias=True)) == loaded


def test_a_threshold_of_nothing_is_none() -> None:
    """满0可用 is 无门槛: stored, shown and judged as without a threshold."""
    benefit: Json = {"kind": "amount_off", "amount": 1000}
    zero = terms(benefit, threshold={"amount": 0, "quantity": 0})
    assert zero == terms(benefit)
    assert zero.model_dump(mode="json")["threshold"]["amount"] is None
    assert not faults(zero, Limits())
    for wrong in (-1, False, 0.5, "0"):
        with pytest.raises(ValidationError):
            terms(benefit, threshold={"amount": wrong})


ALL_KINDS: list[tuple[Json, int | None, str, str]] = [
    ({"kind": "amount_off", "amount": 5000}, 5000, "减¥50.00", "¥50.00 off"),
    ({"kind": "amount_off", "amount": 500, "per": "unit"}, None, "每件减¥5.00", "¥5.00 off each unit"),
    ({"kind": "amount_off", "amount": 500, "per": "line", "max_units": 3}, 1500, "每款减¥5.00", "¥5.00 off each line"),
    ({"kind": "percent_off", "percent_bp": 1500}, None, "8.5折", "15 % off"),
    (
        {"kind": "percent_off", "percent_bp": 2000, "max_amount": 700},
        700,
        "8折，最多减¥7.00",
        "20 % off, at most ¥7.00",
    ),
    (
        {"kind": "ladder", "steps": STEPS},
        100,
        "满¥3.00减¥0.50，满¥5.00减¥1.00",
        "¥0.50 off from ¥3.00, ¥1.00 off from ¥5.00",
    ),
    (
        {"kind": "ladder", "by": "quantity", "steps": [{"threshold": 3, "percent_bp": 3000}]},
        None,
        "满3件7折",
        "30 % off from 3 units",
    ),
    ({"kind": "every", "threshold": 10_000, "amount": 1000}, None, "每满¥100.00减¥10.00", "¥10.00 off every ¥100.00"),
    (
        {"kind": "every", "threshold": 2, "amount": 1000, "by": "quantity", "max_times": 3},
        3000,
        "每满2件减¥10.00，最多3次",
        "¥10.00 off every 2 units, at most 3 times",
    ),
    ({"kind": "fixed_price", "amount": 9900}, None, "一口价¥99.00", "¥99.00 each"),
    ({"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}, None, "买2件送1件", "buy 2, get 1 free"),
    (
        {"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1, "percent_bp": 5000}},
        None,
        "买1件，另1件5折",
        "buy 1, get 1 at 50 % off",
    ),
    (
        {"kind": "bundle_price", "skus": {"a": 1, "b": 2}, "amount": 9900},
        None,
        "3件组合价¥99.00",
        "3 units together for ¥99.00",
    ),
    ({"kind": "free_shipping"}, None, "包邮", "free shipping"),
    (
        {"kind": "shipping_percent_off", "percent_bp": 5000, "max_amount": 500},
        500,
        "运费5折，最多减¥5.00",
        "50 % off shipping, at most ¥5.00",
    ),
    ({"kind": "gift", "sku": "cup"}, None, "赠cup×1", "1 × cup as a gift"),
    ({"kind": "exchange", "product_id": "p"}, None, "兑换p×1", "1 × p free of charge"),
    ({"kind": "cash_back", "amount": 500}, 500, "返¥5.00券", "¥5.00 back as a coupon"),
    (
        {"kind": "cash_back", "percent_bp": 1000, "max_amount": 900},
        900,
        "返10%，最多返¥9.00",
        "10 % back as a coupon, at most ¥9.00",
    ),
]


@pytest.mark.parametrize(("benefit", "most", "zh", "en"), ALL_KINDS)
def test_what_a_kind_costs_at_worst_and_how_it_is_said(benefit: Json, most: int | None, zh: str, en: str) -> None:
    made = terms(benefit)
    assert worst_case(made.benefit) == most
    refused = "budget_needs_a_bound" in [fault.code for fault in faults(made, Limits(budget=1))]
    assert refused is (most is None)
    assert not faults(terms(benefit, allow_zero_pay=True), Limits(budget=1, budget_on="redemption"))
    assert (summarise(made).zh, summarise(made).en) == (zh, en)


def test_words_begin_with_the_threshold() -> None:
    said = summarise(terms({"kind": "amount_off", "amount": 5000}, threshold={"amount": 30_000, "quantity": 2}))
    assert said.zh == "满¥300.00满2件减¥50.00"
    assert said.en == "¥50.00 off from ¥300.00 from 2 units"


@pytest.mark.parametrize(
    ("benefit", "reach", "free"),
    [
        ({"kind": "amount_off", "amount": 500}, 500, True),
        ({"kind": "amount_off", "amount": 500}, 501, False),
        ({"kind": "amount_off", "amount": 500}, None, False),
        ({"kind": "percent_off", "percent_bp": 10_000}, None, True),
        ({"kind": "percent_off", "percent_bp": 10_000, "max_amount": 400}, 500, False),
        ({"kind": "percent_off", "percent_bp": 9999}, 500, False),
        (
            {"kind": "ladder", "steps": [{"threshold": 300, "amount": 50}, {"threshold": 400, "amount": 400}]},
            None,
            True,
        ),
        ({"kind": "ladder", "steps": [{"threshold": 300, "amount": 300}]}, 301, False),
        ({"kind": "ladder", "steps": [{"threshold": 3, "amount": 300}], "by": "quantity"}, 300, True),
        ({"kind": "ladder", "steps": [{"threshold": 3, "percent_bp": 10_000}], "by": "quantity"}, None, True),
        ({"kind": "every", "threshold": 100, "amount": 100}, None, True),
        ({"kind": "every", "threshold": 100, "amount": 99}, None, False),
        ({"kind": "cash_back", "amount": 500}, 500, True),
        ({"kind": "cash_back", "percent_bp": 10_000}, None, True),
        ({"kind": "exchange", "product_id": "p"}, 500, False),
        ({"kind": "free_shipping"}, 500, False),
    ],
)
def test_an_offer_that_may_be_free_needs_the_flag(benefit: Json, reach: int | None, free: bool) -> None:
    body: Json = {"threshold": {"amount": reach}}
    assert ("zero_pay" in [fault.code for fault in faults(terms(benefit, **body), Limits())]) is free
    assert not faults(terms(benefit, **body, allow_zero_pay=True), Limits())


def test_every_kind_of_the_contract_has_its_rule_and_its_words() -> None:
    schema = TypeAdapter[Any](Benefit).json_schema()
    names = set(schema["discriminator"]["mapping"])
    declared = {kind.model_fields["kind"].annotation.__args__[0] for kind in Kind.__subclasses__()}  # type: ignore[union-attr]
    assert names == declared == {str(benefit["kind"]) for benefit, _, _, _ in ALL_KINDS}
    assert set(benefits._RULES) == set(wording._SUMMARIES) == set(Kind.__subclasses__())


def test_the_property_tests_try_every_kind() -> None:
    assert {*GOODS_KINDS, *OTHER_KINDS} == set(TypeAdapter[Any](Benefit).json_schema()["discriminator"]["mapping"])
