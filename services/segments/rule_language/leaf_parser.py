"""Reading the three kinds of leaf."""

from dataclasses import asdict
from typing import Any

from services.segments.rule_language.condition_parser import EVERY_OP, NUMERIC, PRESENCE, TIMES, VALUES, condition
from services.segments.rule_language.faults import Reader, leaf_id
from services.segments.rule_language.money_names import MONEY_PROPERTIES
from services.segments.rule_language.scalars import rule_time
from services.segments.rule_language.tree import Condition, EventLeaf, SegmentLeaf, TraitLeaf, Window
from services.segments.rule_language.zones import day_start
from shared.money import known_currency

MEASURES = ("count", "sum", "avg", "min", "max", "distinct", "first", "last")
MAX_WHERE = 10
_DAY = 86_400_000_000


def trait_leaf(reader: Reader, rule: dict[str, Any], pointer: str) -> TraitLeaf:
    """`{"trait","op","value"}`."""
    reader.only(rule, {"trait", "op", "value"}, pointer)
    name = reader.name(rule, "trait", pointer)
    test = condition(reader, rule, pointer, EVERY_OP, name=name)
    source = {member: rule[member] for member in ("trait", "op", "value") if rule.get(member) is not None}
    return TraitLeaf(leaf_id({"trait": name, "is": asdict(test)}), source, name, test)


def segment_leaf(reader: Reader, rule: dict[str, Any], pointer: str) -> SegmentLeaf:
    """`{"segment": id}`."""
    reader.only(rule, {"segment"}, pointer)
    segment = rule["segment"]
    if not isinstance(segment, str) or not 0 < len(segment) <= 80:
        raise reader.refuse(f"{pointer}/segment", "`segment` is the id of a segment.")
    if reader.known_segments is not None and segment not in reader.known_segments:
        raise reader.refuse(
            f"{pointer}/segment", f"There is no segment {segment}; list them with GET /v1/segments.", "unknown_segment"
        )
    if segment in reader.circular:
        circle = f"Segment {segment} refers to this one, directly or through others; a circle can't be evaluated."
        raise reader.refuse(f"{pointer}/segment", circle, "rule_cycle")
    return SegmentLeaf(leaf_id({"segment": segment}), {"segment": segment}, segment)


def event_leaf(reader: Reader, rule: dict[str, Any], pointer: str) -> EventLeaf:
    """`{"event","measure"?,"property"?,"op"?,"value"?,"within"?,"where"?,"currency"?}`; by default "at least once"."""
    reader.only(rule, {"event", "measure", "property", "op", "value", "within", "where", "currency"}, pointer)
    rule = {**rule}
    if rule.get("measure", "count") == "count" and rule.get("op") is None and rule.get("value") is None:
        rule.update(op="gte", value=1)
    event = reader.name(rule, "event", pointer)
    measure = reader.choice(rule.get("measure", "count"), MEASURES, f"{pointer}/measure", "`measure`")
    name = _property(reader, rule, pointer, measure)
    test = condition(reader, rule, pointer, _ops(measure, name), numbers=measure not in ("first", "last"))
    window = _window(reader, rule.get("within"), f"{pointer}/within")
    where = _where(reader, rule.get("where"), f"{pointer}/where")
    money = {name, *(one for one, _ in where)} & MONEY_PROPERTIES
    currency = _currency(reader, rule, pointer, bool(money))
    source = _source(rule, measure, window, currency)
    canonical = {
        "event": event, "measure": measure, "property": name, "is": asdict(test), "window": asdict(window),
        "where": [[one, asdict(two)] for one, two in where], "currency": currency,
    }  # fmt: skip
    return EventLeaf(leaf_id(canonical), source, event, measure, name, test, window, where, currency)


def _ops(measure: str, name: str | None) -> tuple[str, ...]:
    if measure in ("first", "last"):
        return VALUES if name else (*TIMES, "within_last", *PRESENCE)
    return NUMERIC if measure in ("count", "sum", "distinct") else (*NUMERIC, *PRESENCE)


def _property(reader: Reader, rule: dict[str, Any], pointer: str, measure: str) -> str | None:
    if rule.get("property") is not None:
        if measure == "count":
            raise reader.refuse(f"{pointer}/property", "`count` counts events and takes no property; use `where`.")
        return reader.name(rule, "property", pointer)
    if measure not in ("count", "first", "last"):
        raise reader.refuse(f"{pointer}/property", f"`{measure}` needs the `property` that it measures.")
    return None


def _currency(reader: Reader, rule: dict[str, Any], pointer: str, money: bool) -> str | None:
    given = rule.get("currency")
    if given is None:
        return reader.currency if money else None
    try:
        currency = known_currency(given if isinstance(given, str) else "")
    except ValueError as error:
        raise reader.refuse(f"{pointer}/currency", f"`currency` {error}.") from None
    if not money:
        raise reader.refuse(f"{pointer}/currency", "`currency` belongs to amounts; this leaf touches none.")
    return currency


def _where(reader: Reader, given: object, pointer: str) -> tuple[tuple[str, Condition], ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MAX_WHERE:
        raise reader.refuse(pointer, f"`where` is a list of at most {MAX_WHERE} conditions.")
    found: list[tuple[str, Condition]] = []
    for index, item in enumerate(given):
        at = f"{pointer}/{index}"
        if not isinstance(item, dict):
            raise reader.refuse(at, "A condition is an object with property, op and value.")
        reader.only(item, {"property", "op", "value"}, at)
        found.append((reader.name(item, "property", at), condition(reader, item, at, VALUES)))
    return tuple(found)


def _window(reader: Reader, given: object, pointer: str) -> Window:
    if given is None:
        return Window()
    if not isinstance(given, dict):
        raise reader.refuse(pointer, "`within` is {last, mode} or {from, until}.")
    if "last" in given:
        return _moving(reader, given, pointer)
    if "from" in given or "until" in given:
        return _fixed(reader, given, pointer)
    raise reader.refuse(pointer, "`within` is {last, mode} or {from, until}.")


def _moving(reader: Reader, given: dict[str, Any], pointer: str) -> Window:
    reader.only(given, {"last", "mode", "include_today"}, pointer)
    length = reader.duration(given["last"], f"{pointer}/last")
    mode = reader.choice(given.get("mode", "rolling"), ("rolling", "calendar"), f"{pointer}/mode", "`mode`")
    include = given.get("include_today")
    if include is not None and (mode != "calendar" or not isinstance(include, bool)):
        raise reader.refuse(f"{pointer}/include_today", "`include_today` is true or false, in calendar mode.")
    if mode == "rolling":
        return Window("rolling", length=length)
    if length % _DAY:
        raise reader.refuse(f"{pointer}/last", "A calendar window is whole days, such as 7d; or use rolling.")
    return Window("calendar", days=length // _DAY, include_today=include is not False, zone=reader.time_zone)


def _fixed(reader: Reader, given: dict[str, Any], pointer: str) -> Window:
    reader.only(given, {"from", "until"}, pointer)
    edges: dict[str, int | None] = {"from": None, "until": None}
    for member in edges:
        if given.get(member) is None:
            continue
        moment, day = rule_time(given[member])
        edges[member] = moment if day is None else day_start(day, reader.time_zone)
        if edges[member] is None:
            raise reader.refuse(f"{pointer}/{member}", f"`{member}` is a date, or an RFC 3339 time with its offset.")
    start, end = edges["from"], edges["until"]
    if start is None and end is None:
        raise reader.refuse(pointer, "`within` needs from, until, or both.")
    if start is not None and end is not None and start >= end:
        raise reader.refuse(pointer, "`until` must be later than `from`.", "window_ends_before_start")
    return Window("fixed", start=start, end=end)


def _source(rule: dict[str, Any], measure: str, window: Window, currency: str | None) -> dict[str, Any]:
    """The leaf as people read it, with its defaults written out."""
    source = {"event": rule["event"], "measure": measure}
    source.update({one: rule[one] for one in ("property", "op", "value") if rule.get(one) is not None})
    if rule.get("within"):
        source["within"] = {**rule["within"], "mode": window.kind} if "last" in rule["within"] else rule["within"]
    if rule.get("where"):
        source["where"] = rule["where"]
    if currency is not None:
        source["currency"] = currency
    return source
