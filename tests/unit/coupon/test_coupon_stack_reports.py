"""Public reports about stacks of offers in other systems, played here; the docstrings say where they were seen."""

from itertools import permutations

from unit.coupon.carts import Json, line, off, offer, priced, used
from unit.coupon.giving_away import NOW, assert_free

from services.coupon.pricing.occasions import LiveOffer
from services.coupon.pricing.offers import Offer
from services.coupon.pricing.stacks import GivenAway, given_away
from services.coupon.templates.terms import Terms

TWO_OF_ONE: Json = {"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1}}


def percent(percent_bp: int) -> Json:
    return {"benefit": {"kind": "percent_off", "percent_bp": percent_bp}}


def refused(new: Json, live: Json) -> GivenAway | None:
    one, other = (LiveOffer(name, name, Terms.model_validate(body), True) for name, body in (("n", new), ("l", live)))
    found = given_away(one, [other], NOW)
    if found is not None:
        assert_free(found, one)
    return found


def test_a_fixed_amount_after_a_percentage_makes_the_total_negative() -> None:
    """odoo 63106: 10 % and then 50.00 on an order of 50.00, or the other way round. Here it is nothing, never less."""
    for first, second in permutations([percent(1000), off(5000)]):
        answer = priced([line("1", 5000)], offer("a", **first), offer("b", **second))
        assert (answer.total, answer.discount) == (0, 5000)


def test_six_off_and_half_off_a_mug_of_ten() -> None:
    """magento/merchdocs 286: free, or 2.00, and nobody can say which. Here the order of application is written down.

    A voucher that pays more than half of so small an order is not refused: it would pay one of 6.00 whole.
    """
    mug, half, six = [line("mug", 1000)], offer("half", **percent(5000)), offer("six", **off(600))
    assert priced(mug, half, six).total == 0
    first = offer("six", **off(600, priority=1))
    left = offer("half", **percent(5000), stacking={"calculation": "sequential"})
    assert priced(mug, first, left).total == 200
    assert refused(off(600), percent(5000)) is None
    assert refused(off(600, 1000), percent(5000)) is not None


def test_twenty_percent_and_twenty_off_is_a_free_registration() -> None:
    """civicrm cividiscount 161: they do not want to stack, as an event of 25.00 costs nothing then."""
    assert refused(off(2000, 2500), percent(2000)) is not None
    group: Json = {"stacking": {"group": "event"}}
    assert refused({**off(2000, 2500), **group}, {**percent(2000), **group}) is None


def test_the_sum_of_discounts_depends_on_their_priority() -> None:
    """magento2 39448: 100.00 off and 10 % of 1,000.00 are 190.00 or 200.00, by the priority of the rules. Here 200.00."""
    for priority in (-1, 0, 1):
        offers = [offer("amount", **off(10_000, priority=priority)), offer("percent", **percent(1000))]
        assert priced([line("1", 100_000)], *offers).discount == 20_000


def test_two_times_buy_one_get_one_on_one_product() -> None:
    """medusa 11258: two such promotions on one product. Together they give what was bought for the other one."""
    both = [offer(name, TWO_OF_ONE, automatic=True) for name in "ab"]
    assert priced([line("1", 1000, 2)], *both).total == 0
    found = refused({"benefit": TWO_OF_ONE}, {"benefit": TWO_OF_ONE})
    assert found is not None
    assert found.cart is not None
    assert [one.quantity for one in found.cart.lines] == [2]


def test_a_code_that_discards_the_others() -> None:
    """magento2 34320, 27202: 10 % by a code shall keep the automatic 100.00 off out, which takes more off."""

    def chosen(price: int, **stacking: object) -> list[str]:
        automatic = offer("rule", automatic=True, **off(10_000, 69_900))
        code = offer("code", **percent(1000), stacking={"priority": 1, "exclusive": True, **stacking})
        return used(priced([line("1", price)], automatic, code))

    assert chosen(70_000) == ["prm_rule"]
    assert chosen(70_000, choice="priority") == ["cpn_code"]
    assert chosen(500, choice="priority") == ["cpn_code"]


def test_a_shop_that_puts_its_own_promotion_first() -> None:
    """erpnext 41976: of rules that may not be combined only the one of the highest priority takes effect."""

    def rule(name: str, amount: int, priority: int) -> Offer:
        return offer(name, **off(amount, group="rules", priority=priority, choice="priority"), automatic=True)

    rules = [rule("a", 100, 3), rule("b", 900, 2), rule("c", 500, 1)]
    for order in permutations(rules):
        assert used(priced([line("1", 1000)], *order)) == ["prm_a"]
