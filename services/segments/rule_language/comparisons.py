"""Comparisons: one value against one condition. A missing value fails every positive operator and satisfies the negative."""

from services.segments.rule_language.scalars import SEPARATOR, Scalar
from services.segments.rule_language.tree import NEGATIVE, Condition
from services.segments.rule_language.zones import day_start


def equal(left: Scalar, right: Scalar) -> bool:
    """By number where the condition is one, else by text: `"10"` equals 10, `"010"` doesn't."""
    if right.number is not None:
        return left.number == right.number
    return left.text is not None and left.text == right.text


def compare(value: Scalar | None, condition: Condition) -> bool:
    """Whether a value satisfies a condition. Conditions that depend on the time are `lasting`'s."""
    op = condition.op
    if op in NEGATIVE:
        return not compare(value, positive(condition))
    if value is None:
        return False
    if op == "exists":
        return True
    if op in ("eq", "in"):
        return any(equal(value, one) for one in condition.values)
    if op == "contains":
        return _contains(value.text, condition.values[0].text)
    if op == "starts_with":
        return value.text is not None and value.text.startswith(condition.values[0].text or "")
    if op == "before":
        return _before(value, condition)
    if op == "after":
        return _after(value, condition)
    return value.number is not None and ratio(value.number, 1, condition)


def positive(condition: Condition) -> Condition:
    """The condition whose complement a negative one is."""
    op = {"ne": "eq", "not_in": "in", "not_exists": "exists"}[condition.op]
    return Condition(op, condition.values)


def ratio(total: int, count: int, condition: Condition) -> bool:
    """Compare `total / count` (millionths, count > 0) without dividing: no float decides membership."""
    bounds = [one.number * count for one in condition.values if one.number is not None]
    match condition.op:
        case "gt":
            return total > bounds[0]
        case "gte":
            return total >= bounds[0]
        case "lt":
            return total < bounds[0]
        case "lte":
            return total <= bounds[0]
        case "between":
            return bounds[0] <= total <= bounds[1]
        case "ne" | "not_in":
            return total not in bounds
        case _:
            return total in bounds


def lasting(value: Scalar | None, condition: Condition) -> tuple[int, int] | None:
    """When `within_last` holds for a value: from its instant (included) until that much later (excluded); None = never."""
    if value is None:
        return None
    begin = day_start(value.day, condition.zone) if value.day is not None else value.moment
    return None if begin is None else (begin, begin + condition.length)


def _contains(text: str | None, part: str | None) -> bool:
    if text is None or part is None:
        return False
    if text.startswith(SEPARATOR):
        return f"{SEPARATOR}{part}{SEPARATOR}" in text
    return part in text


def _before(value: Scalar, condition: Condition) -> bool:
    if value.day is not None:
        return value.day <= condition.day
    return value.moment is not None and value.moment < condition.moment


def _after(value: Scalar, condition: Condition) -> bool:
    if value.day is not None:
        return value.day >= condition.day
    return value.moment is not None and value.moment > condition.moment
