"""Conditions in SQL: the same comparisons as rules.comparisons and rules.measures, over columns instead of values."""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, false, func, literal, not_, or_, true

from services.segments.events.models import StoredEvent
from services.segments.rule_language.comparisons import positive as without_not
from services.segments.rule_language.scalars import SCALE, SEPARATOR
from services.segments.rule_language.tree import NEGATIVE, Condition
from services.segments.rule_language.zones import local_day
from shared.db import Transaction, one_of

Bool = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Forms:
    """The comparable forms of a value as columns (rules.scalars)."""

    text: Any
    number: Any
    moment: Any
    day: Any

    @classmethod
    def of_fact(cls, name: str) -> Self:
        """Those of an event's property."""
        return cls(fact_text(name), fact_number(name), _fact_integer("m", name), _fact_integer("d", name))


def scale() -> ColumnElement[int]:
    """One, in millionths."""
    return literal(SCALE, BigInteger)


def fact_text(name: str) -> ColumnElement[str]:
    """The text form of an event's property."""
    found: ColumnElement[str] = StoredEvent.c.facts["t"][name].as_string()
    return found


def fact_number(name: str) -> ColumnElement[int]:
    """The number of an event's property, in millionths."""
    return _fact_integer("n", name)


def _fact_integer(form: str, name: str) -> ColumnElement[int]:
    return cast(StoredEvent.c.facts[form][name].as_string(), BigInteger)


def of_fact(tx: Transaction, name: str, condition: Condition) -> Bool:
    """A `where` condition: a missing property fails the positive operators and satisfies the negative ones."""
    return comparison(tx, Forms.of_fact(name), condition, 0)


def comparison(tx: Transaction, forms: Forms, condition: Condition, now: int) -> Bool:
    """True or false, never NULL."""
    if condition.op in NEGATIVE:
        return not_(func.coalesce(positive(tx, forms, condition, now), false()))
    return func.coalesce(positive(tx, forms, condition, now), false())


def positive(tx: Transaction, forms: Forms, condition: Condition, now: int) -> Bool:
    """The positive comparison (of a negative condition: the one whose complement it is); NULL where forms are missing."""
    if condition.op in NEGATIVE:
        condition = without_not(condition)
    text = forms.text
    match condition.op:
        case "exists":
            return true() if text is None else text.is_not(None)
        case "eq" | "in":
            return _equal(forms, condition)
        case "contains":
            return _contains(tx, text, condition.values[0].text or "")
        case "starts_with":
            prefix = condition.values[0].text or ""
            return func.substr(text, 1, len(prefix)) == prefix
        case "before":
            return or_(_day(forms, "<=", condition.day), and_(_no_day(forms), forms.moment < condition.moment))
        case "after":
            return or_(_day(forms, ">=", condition.day), and_(_no_day(forms), forms.moment > condition.moment))
        case "within_last":
            return _within_last(forms, condition, now)
    return number_holds(forms.number, condition)


def _day(forms: Forms, sign: str, bound: int) -> Bool:
    if forms.day is None:
        return false()
    found: Bool = forms.day.op(sign, is_comparison=True)(bound)
    return found


def _no_day(forms: Forms) -> Bool:
    return true() if forms.day is None else forms.day.is_(None)


def _equal(forms: Forms, condition: Condition) -> Bool:
    numbers = [one.number for one in condition.values if one.number is not None]
    texts = [one.text for one in condition.values if one.number is None]
    found = [one_of(forms.number, numbers)] if numbers else []
    found += [one_of(forms.text, texts)] if texts else []
    return or_(*found)


def _contains(tx: Transaction, text: Any, part: str) -> Bool:
    place = func.strpos if tx.dialect == "postgresql" else func.instr
    in_list = place(text, f"{SEPARATOR}{part}{SEPARATOR}") > 0
    return case((func.substr(text, 1, 1) == SEPARATOR, in_list), else_=place(text, part) > 0)


def _within_last(forms: Forms, condition: Condition, now: int) -> Bool:
    earlier = now - condition.length
    moments = and_(_no_day(forms), forms.moment > earlier, forms.moment <= now)
    if forms.day is None:
        return moments
    days = and_(forms.day > local_day(earlier, condition.zone), forms.day <= local_day(now, condition.zone))
    return or_(days, moments)


def number_holds(expression: Any, condition: Condition) -> Bool:
    """A number in millionths against the condition's."""
    bounds = [literal(one.number, BigInteger) for one in condition.values]
    match condition.op:
        case "gt":
            return expression > bounds[0]  # type: ignore[no-any-return] # a column expression
        case "gte":
            return expression >= bounds[0]  # type: ignore[no-any-return] # a column expression
        case "lt":
            return expression < bounds[0]  # type: ignore[no-any-return] # a column expression
        case "lte":
            return expression <= bounds[0]  # type: ignore[no-any-return] # a column expression
        case "between":
            return and_(expression >= bounds[0], expression <= bounds[1])
    found = or_(*[expression == bound for bound in bounds])
    return not_(found) if condition.op in NEGATIVE else found


def aggregate_holds(measure: str, number: ColumnElement[int], condition: Condition) -> Bool:
    """sum, avg, min, max of the events of one profile (there is at least one)."""
    if condition.op in ("exists", "not_exists"):
        return func.count() > 0 if condition.op == "exists" else func.count() < 0
    if measure == "min":
        return number_holds(func.min(number), condition)
    if measure == "max":
        return number_holds(func.max(number), condition)
    if measure == "sum":
        return number_holds(_exact_sum(number, 0), condition)
    return _average_holds(number, condition)


def _exact_sum(number: ColumnElement[int], less: int) -> Any:
    """Sum of (number - less), in two halves: one of them can't overflow SQLite's 64 bits, which would be an error."""
    high = func.sum(number // scale() - literal(less // SCALE, BigInteger))
    low = func.sum(number - (number // scale()) * scale() - literal(less % SCALE, BigInteger))
    return high * scale() + low


def _average_holds(number: ColumnElement[int], condition: Condition) -> Bool:
    """avg >= v exactly when sum(number - v) >= 0: no division, no float."""
    zero = literal(0, BigInteger)
    away = [_exact_sum(number, one.number or 0) for one in condition.values]
    match condition.op:
        case "gt":
            return away[0] > zero  # type: ignore[no-any-return] # a column expression
        case "gte":
            return away[0] >= zero  # type: ignore[no-any-return] # a column expression
        case "lt":
            return away[0] < zero  # type: ignore[no-any-return] # a column expression
        case "lte":
            return away[0] <= zero  # type: ignore[no-any-return] # a column expression
        case "between":
            return and_(away[0] >= zero, away[1] <= zero)
    found = or_(*[one == zero for one in away])
    return not_(found) if condition.op in NEGATIVE else found
