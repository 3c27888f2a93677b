"""A cart in plain integers, and its state while offers are applied to it. Pure."""

from collections.abc import Sequence
from operator import sub

from services.coupon.pricing.apportionment import pour
from services.coupon.pricing.cart import Cart, lines_in
from services.coupon.templates.scopes import LineScope

State = tuple[int, ...]
"""What is left to pay of each line, and at the end what is left of the shipping fee."""


class Numbers:
    """A cart in plain integers, made once for all its offers."""

    __slots__ = ("cart", "everything", "floors", "list_prices", "listed", "prices", "quantities", "start")

    def __init__(self, cart: Cart) -> None:
        self.cart = cart
        self.quantities = tuple(line.quantity for line in cart.lines)
        self.prices = tuple(line.unit_price for line in cart.lines)
        self.list_prices = tuple(line.list_price for line in cart.lines)
        self.listed = tuple(line.list_price * line.quantity for line in cart.lines)
        self.start: State = (*(line.unit_price * line.quantity for line in cart.lines), cart.shipping_fee)
        self.floors: State = (*(line.floor for line in cart.lines), 0)
        self.everything = tuple(index for index, line in enumerate(cart.lines) if line.discountable)

    def named(self, scope: LineScope) -> Sequence[int]:
        """Positions of the lines that the scope names."""
        return self.everything if scope.everything else lines_in(scope, self.cart.lines)

    def points(self, state: State, points: int) -> State:
        """What points pay of each line 积分抵现: of goods that take discounts, in proportion, never below a floor."""
        caps = [max(state[index] - self.floors[index], 0) for index in self.everything]
        shares = [0] * len(state)
        for index, share in zip(self.everything, pour(caps, points, caps) if caps else (), strict=True):
            shares[index] = share
        return tuple(shares)


def less(state: State, shares: State) -> State:
    """The state without these shares."""
    return tuple(map(sub, state, shares))
