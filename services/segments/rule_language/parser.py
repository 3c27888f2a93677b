"""From the JSON of a rule to its tree: every fault is named with a pointer and what to do; nothing is skipped silently."""

from collections.abc import Callable, Iterable
from typing import Any

from services.segments.rule_language.faults import Fault, Faults, Reader, Refused
from services.segments.rule_language.leaf_parser import event_leaf, segment_leaf, trait_leaf
from services.segments.rule_language.tree import Complement, Every, Node, SegmentLeaf, Some, leaves

MAX_DEPTH = 10
MAX_LEAVES = 100
NOT_YET = ("tag", "consent", "sequence", "list", "bucket", "tier")

_LEAVES: dict[str, Callable[[Reader, dict[str, Any], str], Node]] = {
    "trait": trait_leaf,
    "event": event_leaf,
    "segment": segment_leaf,
}


def parse_rule(
    rule: object,
    *,
    time_zone: str,
    currency: str,
    known_segments: Iterable[str] | None = None,
    circular: Iterable[str] = (),
    pointer: str = "#/rule",
) -> Node:
    """The tree of a rule. Raises Faults with all that is wrong (the first fault of each leaf).

    `known_segments`: ids that a segment leaf may name; None skips that check (a stored rule was checked when it was saved).
    `circular`: ids that it may not name, because they refer to the segment that the rule is for.
    """
    known = None if known_segments is None else frozenset(known_segments)
    reader = Reader(time_zone, currency, known, frozenset(circular))
    node = _collect(reader, rule, pointer, 1)
    if node is not None and sum(1 for _ in leaves(node)) > MAX_LEAVES:
        too_many = f"A rule has at most {MAX_LEAVES} leaves; split it into segments."
        reader.faults.append(Fault(pointer, "rule_too_large", too_many))
    if reader.faults or node is None:
        raise Faults(reader.faults)
    return node


def write_rule(node: Node) -> dict[str, Any]:
    """The normalised JSON of a tree: defaults are written out. Reading it again gives the same tree."""
    if isinstance(node, Every):
        return {"all": [write_rule(child) for child in node.children]}
    if isinstance(node, Some):
        return {"any": [write_rule(child) for child in node.children]}
    if isinstance(node, Complement):
        return {"not": write_rule(node.child)}
    return node.source


def references(node: Node) -> set[str]:
    """The segments that a rule names."""
    return {leaf.segment for leaf in leaves(node) if isinstance(leaf, SegmentLeaf)}


def _collect(reader: Reader, rule: object, pointer: str, depth: int) -> Node | None:
    """The tree, or None after noting the fault: the neighbours are looked at all the same."""
    try:
        return _node(reader, rule, pointer, depth)
    except Refused as refused:
        reader.faults.append(refused.fault)
        return None


def _node(reader: Reader, rule: object, pointer: str, depth: int) -> Node | None:
    if not isinstance(rule, dict):
        raise reader.refuse(pointer, "A rule is an object with all, any, not, trait, event or segment.")
    if depth > MAX_DEPTH:
        too_deep = f"Rules nest at most {MAX_DEPTH} levels; use a segment of its own."
        raise reader.refuse(pointer, too_deep, "rule_too_deep")
    for word in ("all", "any"):
        if word in rule:
            return _combined(reader, rule, pointer, word, depth)
    if "not" in rule:
        reader.only(rule, {"not"}, pointer)
        child = _node(reader, rule["not"], f"{pointer}/not", depth + 1)
        return None if child is None else Complement(child)
    for kind, read in _LEAVES.items():
        if kind in rule:
            return read(reader, rule, pointer)
    for kind in NOT_YET:
        if kind in rule:
            raise _unsupported(reader, pointer, kind)
    named = ", ".join(sorted(str(one)[:40] for one in rule)[:5]) or "nothing"
    raise reader.refuse(pointer, f"A rule is one of all, any, not, trait, event, segment; found {named}.")


def _combined(reader: Reader, rule: dict[str, Any], pointer: str, word: str, depth: int) -> Node | None:
    reader.only(rule, {word}, pointer)
    items = rule[word]
    if not isinstance(items, list) or not 0 < len(items) <= MAX_LEAVES:
        raise reader.refuse(f"{pointer}/{word}", f"`{word}` takes a list of 1 to {MAX_LEAVES} rules.")
    children = [_collect(reader, item, f"{pointer}/{word}/{index}", depth + 1) for index, item in enumerate(items)]
    known = tuple(child for child in children if child is not None)
    return Every(known) if word == "all" else Some(known)


def _unsupported(reader: Reader, pointer: str, kind: str) -> Refused:
    detail = (
        f"This version does not evaluate `{kind}` leaves. It evaluates trait, event and segment leaves, combined with "
        "all, any and not. Remove this leaf or express it with those."
    )
    return reader.refuse(f"{pointer}/{kind}", detail, "unsupported_rule")
