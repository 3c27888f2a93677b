"""Reading `op` and `value` of a leaf into a condition, with times worked out in the segment's zone."""

from math import isfinite
from typing import Any

from services.segments.rule_language.faults import Reader
from services.segments.rule_language.scalars import Scalar, rule_time, scalar
from services.segments.rule_language.tree import Condition
from services.segments.rule_language.zones import add_days, day_start, local_day

NUMERIC = ("eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "not_in")
PRESENCE = ("exists", "not_exists")
TIMES = ("before", "after")
TEXTS = ("contains", "starts_with")
VALUES = (*NUMERIC, *TEXTS, *PRESENCE, *TIMES)
EVERY_OP = (*VALUES, "within_last")
MAX_LIST = 1_000
MAX_VALUES = 10_000
MAX_TEXT = 500


def condition(
    reader: Reader, rule: dict[str, Any], pointer: str, ops: tuple[str, ...], *, name: str = "", numbers: bool = False
) -> Condition:
    """The condition of `rule` (`op`, `value`). `ops`: what this leaf allows. `name`: the trait whose normal form applies.
    `numbers`: every value must be a number (measures)."""
    op = reader.choice(rule.get("op"), ops, f"{pointer}/op", "`op` of this leaf")
    at = f"{pointer}/value"
    if op in PRESENCE:
        if rule.get("value") is not None:
            raise reader.refuse(at, f"`{op}` takes no value.")
        return Condition(op)
    value = rule.get("value")
    if value is None:
        raise reader.refuse(at, f"`{op}` needs a value; use exists or not_exists for missing ones.")
    if op == "within_last":
        return Condition(op, length=reader.duration(value, at), zone=reader.time_zone)
    if op in TIMES:
        return _time(reader, op, value, at)
    return Condition(op, _values(reader, op, value, at, name, numbers))


def _values(reader: Reader, op: str, value: object, at: str, name: str, numbers: bool) -> tuple[Scalar, ...]:
    must_be_number = numbers or op in ("gt", "gte", "lt", "lte", "between")
    if op in ("in", "not_in"):
        if not isinstance(value, list) or not 0 < len(value) <= MAX_LIST:
            raise reader.refuse(at, f"`{op}` takes a list of 1 to {MAX_LIST} values.")
        reader.values += len(value)
        if reader.values > MAX_VALUES:
            too_many = f"The lists of a rule have at most {MAX_VALUES} values together; give such customers a tag."
            raise reader.refuse(at, too_many, "rule_too_large")
        found = {_one(reader, item, f"{at}/{index}", name, must_be_number) for index, item in enumerate(value)}
        return tuple(sorted(found, key=_sorting))
    if op == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise reader.refuse(at, "`between` takes a list of two numbers: lowest and highest, both included.")
        low, high = (_one(reader, item, f"{at}/{index}", name, True) for index, item in enumerate(value))
        if (low.number or 0) > (high.number or 0):
            raise reader.refuse(at, "`between` takes the lowest number first.")
        return low, high
    one = _one(reader, value, at, name, must_be_number)
    if op in TEXTS and not one.text:
        raise reader.refuse(at, f"`{op}` takes text that is not empty.")
    return (one,)


def _one(reader: Reader, value: object, at: str, name: str, number: bool) -> Scalar:
    if not isinstance(value, str | int | float | bool):
        raise reader.refuse(at, "A value is text, a number, or true or false.")
    if isinstance(value, float) and not isfinite(value):
        raise reader.refuse(at, "A number is finite: NaN and Infinity are no JSON.")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise reader.refuse(at, f"Text in a rule has at most {MAX_TEXT} characters.")
    found = scalar(value, name)
    if number and found.number is None:
        raise reader.refuse(at, "Here a plain number between -9,000,000,000,000 and 9,000,000,000,000 is needed.")
    # Only the forms that take part in the comparison: equal rules must be equal leaves.
    return Scalar(found.text, found.number)


def _sorting(one: Scalar) -> tuple[int, str]:
    return one.number or 0, one.text or ""


def _time(reader: Reader, op: str, value: object, at: str) -> Condition:
    """`before` a date: before its first instant. `after` a date: from the next day on."""
    moment, day = rule_time(value)
    if day is not None:
        zone = reader.time_zone
        moment = day_start(day, zone) if op == "before" else day_start(add_days(day, 1), zone) - 1
    if moment is None:
        raise reader.refuse(at, f"`{op}` takes a date or an RFC 3339 time, such as 2026-11-11T00:00:00+08:00.")
    return time_condition(op, moment, reader.time_zone)


def time_condition(op: str, moment: int, zone: str) -> Condition:
    """`before` or `after` an instant, for date-times and for bare dates (a date is the first instant of its local day)."""
    day = local_day(moment, zone)
    if op == "after":
        return Condition(op, moment=moment, day=add_days(day, 1))
    return Condition(op, moment=moment, day=day if day_start(day, zone) < moment else add_days(day, -1))
