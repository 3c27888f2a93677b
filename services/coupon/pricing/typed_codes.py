"""Codes that a shopper types into the cart 兑换码: what each would give, for a quote. Nothing is redeemed."""

from dataclasses import dataclass, field

from services.coupon.abuse.attempts import Attempt
from services.coupon.code_format import normalised
from services.coupon.codes.problems import coupon_invalid
from services.coupon.codes.resolving import Peeked, Resolving
from services.coupon.pricing.candidates import Candidate
from services.coupon.pricing.offers import Refusal
from shared.db import Transaction
from shared.web import Problem

_PREFIX = "from_code:"
"""Ids of coupons to come. They sort after those of coupons, as the ids of new ones do, and before promotions."""


@dataclass(slots=True)
class TypedCodes:
    """Coupons to come, coupons that the customer has by these codes already, and the refusals, by their ids here."""

    coming: list[Candidate] = field(default_factory=list)
    coupon_ids: list[str] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    """The code of each id."""


def distinct(typed: tuple[str, ...]) -> list[str]:
    """The codes without those that are written twice, however they are written."""
    return list({normalised(one): one for one in reversed(typed)}.values())[::-1]


def all_invalid(typed: tuple[str, ...]) -> TypedCodes:
    """What who may not try any code is told: the same as for wrong ones."""
    found = TypedCodes()
    for number, code in enumerate(distinct(typed)):
        _refuse(found, number, code, coupon_invalid())
    return found


async def look_up(
    codes: Resolving, tx: Transaction, customer_id: str, typed: tuple[str, ...], attempt: Attempt
) -> TypedCodes:
    """Look each code up; a wrong one counts against whoever tries."""
    found = TypedCodes()
    for number, code in enumerate(distinct(typed)):
        answer = await codes.peek(tx, customer_id, code)
        if isinstance(answer, Problem):
            attempt.failed()
            _refuse(found, number, code, answer)
        elif answer.coupon_id is not None:
            found.coupon_ids.append(answer.coupon_id)
        elif answer.lot is not None:
            one = _coming(f"{_PREFIX}{number}:{code}", answer)
            found.coming.append(one)
            found.typed[one.id] = code
    return found


def _refuse(found: TypedCodes, number: int, code: str, problem: Problem) -> None:
    name = f"{_PREFIX}{number}:{code}"
    chinese = str(problem.members.get("detail_zh", problem.detail))
    found.refused[name] = Refusal(problem.code, problem.detail, chinese)
    found.typed[name] = code


def _coming(name: str, peeked: Peeked) -> Candidate:
    assert peeked.lot is not None  # noqa: S101 - the caller looked
    lot = peeked.lot
    row = lot.row
    return Candidate(
        id=name,
        template_id=row.id,
        terms_version=row.terms_version,
        terms=lot.snapshot.terms,
        name=row.name,
        currency=row.currency,
        valid_from=lot.starts,
        valid_until=lot.ends,
        budget_left=lot.budget_left,
    )
