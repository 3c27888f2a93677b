"""What is left of an offer's limits. Pure."""

from dataclasses import dataclass

from services.coupon.templates.lease_repository import LeasedTemplate
from services.coupon.templates.models import Template


@dataclass(slots=True)
class Supply:
    """What is left of one template while a batch is decided; None = no limit."""

    total: int | None
    day: int | None
    budget: int | None
    per_customer: int | None
    cost: int
    """What one coupon reserves of the budget."""

    def refusal(self) -> str | None:
        """The code of the limit that leaves nothing for another coupon; None when it is free."""
        if self.total is not None and self.total < 1:
            return "sold_out"
        if self.day is not None and self.day < 1:
            return "day_limit_reached"
        if self.budget is not None and self.budget < self.cost:
            return "budget_exhausted"
        return None

    def give(self, number: int, cost: int, today: bool) -> None:
        """Put `number` coupons back that cost so much each; `today` when they are of the day that is counted."""
        if self.total is not None:
            self.total += number
        if self.day is not None and today:
            self.day += number
        if self.budget is not None:
            self.budget += number * cost

    def most(self) -> int | None:
        """How many coupons can still be given out; None without any limit."""
        by_budget = None if self.budget is None or not self.cost else self.budget // self.cost
        limits = [limit for limit in (self.total, self.day, by_budget) if limit is not None]
        return min(limits) if limits else None

    def take(self) -> None:
        """Give one coupon out."""
        if self.total is not None:
            self.total -= 1
        if self.day is not None:
            self.day -= 1
        if self.budget is not None:
            self.budget -= self.cost


def cost_of(offer: Template | LeasedTemplate, worst_case: int | None) -> int:
    """What one coupon reserves of the budget when it is given out; its discount is `worst_case` at most."""
    return (worst_case or 0) if offer.budget is not None and offer.budget_on == "issue" else 0


def supply_of(offer: Template, today: int, cost: int) -> Supply:
    """What is left when so many were given out `today`, and one more reserves `cost`."""
    reserves = offer.budget is not None and offer.budget_on == "issue"
    return Supply(
        total=None if offer.total is None else offer.total - offer.issued,
        day=None if offer.per_day is None else offer.per_day - today,
        budget=offer.budget - offer.budget_spent if offer.budget is not None and reserves else None,
        per_customer=offer.per_customer,
        cost=cost,
    )
