"""Rows of rules and deny lists as operators see them."""

from services.coupon.abuse.models import Denial, VelocityRule
from services.coupon.abuse.schemas import DenialView, RuleView
from shared.db import as_dict


def rule_view(row: VelocityRule) -> RuleView:
    """A velocity rule."""
    return RuleView(**{**as_dict(row), "limit": row.most})


def denial_view(row: Denial) -> DenialView:
    """An entry of the deny list."""
    return DenialView.model_validate(row)
