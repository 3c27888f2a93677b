"""What tests of the guard against free orders share."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.coupon.pricing.engine import price
from services.coupon.pricing.occasions import LiveOffer
from services.coupon.pricing.stacks import GivenAway, as_offer
from services.coupon.templates.terms import Terms

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)


def named(all_terms: Sequence[Terms]) -> list[LiveOffer]:
    return [LiveOffer(f"tpl_{at}", f"券{at}", one, False) for at, one in enumerate(all_terms)]


def assert_free(found: GivenAway, new: LiveOffer) -> None:
    """The example comes to nothing, and no offer that is named could be spared."""
    assert found.cart is not None
    stack = [as_offer(one) for one in (new, *found.offers)]
    assert not any(price(found.cart, stack).running)
    for one in stack:
        assert any(price(found.cart, [other for other in stack if other is not one]).running)
