"""What makes a definition publishable. Pure: the ids that exist elsewhere are passed in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.journey.definition.graph import (
    ENTRY,
    OUT,
    Branch,
    DateFrom,
    Definition,
    IssueCoupon,
    SegmentEntry,
    Send,
    Split,
    Wait,
    WaitFor,
)
from services.journey.times import parse_duration, parse_local_time, readable, zone_named

SHORTEST_LOOP_WAIT = 60
DEEPEST_RULE = 20
CUSTOMER_ZONE = "customer"
COMBINATORS = ("all", "any", "not")
LEAVES = ("trait", "event", "segment", "tag", "consent", "sequence", "tier")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: where (JSON pointer), a stable code, and what to do."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Needed:
    """Ids that a definition names and that must exist, each with the places that name it."""

    templates: dict[str, list[str]]
    segments: dict[str, list[str]]
    messages: dict[str, list[str]]


def check(definition: Definition) -> list[Finding]:
    """Everything that can be told from the definition alone, in the order of the document."""
    findings = [
        *_zone("/time_zone", definition.time_zone),
        *_entry(definition),
        *_keys(definition),
        *_lengths(definition),
        *_nodes(definition),
        *_edges(definition),
    ]
    if not any(finding.code in ("unknown_node", "unknown_port") for finding in findings):
        findings += [*_unreachable(definition), *_loops(definition)]
    return findings


def needed(definition: Definition) -> Needed:
    """Ids of coupon templates, segments and message templates that this definition rests on."""
    found = Needed({}, {}, {})
    if isinstance(definition.entry, SegmentEntry):
        found.segments.setdefault(definition.entry.segment_id, []).append("#/entry/segment_id")
    for node_id, node in definition.nodes.items():
        at = f"#/nodes/{node_id}"
        if isinstance(node, IssueCoupon):
            found.templates.setdefault(node.template_id, []).append(f"{at}/template_id")
        elif isinstance(node, Send):
            found.messages.setdefault(node.template_id, []).append(f"{at}/template_id")
        elif isinstance(node, Branch):
            for pointer, segment_id in _segments(node.rule, f"{at}/rule"):
                found.segments.setdefault(segment_id, []).append(pointer)
    return found


def _segments(rule: object, at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(rule, dict):
        return
    if isinstance(rule.get("segment"), str):
        yield f"{at}/segment", rule["segment"]
    for word in ("all", "any"):
        for place, part in enumerate(rule[word] if isinstance(rule.get(word), list) else []):
            yield from _segments(part, f"{at}/{word}/{place}")
    yield from _segments(rule.get("not"), f"{at}/not")


def _zone(at: str, name: str) -> Iterator[Finding]:
    if zone_named(name) is None:
        yield Finding(f"#{at}", "unknown_time_zone", f"{name!r} is no IANA time zone; write one such as Asia/Shanghai.")


def _entry(definition: Definition) -> Iterator[Finding]:
    if definition.entry.reentry.mode == "once_per_key" and definition.key is None:
        detail = "once_per_key needs entry.key, the event property to tell entries apart; or use once or always."
        yield Finding("#/entry/reentry/mode", "reentry_needs_key", detail)


def _keys(definition: Definition) -> Iterator[Finding]:
    if definition.key is not None:
        return
    places = [(f"#/exit_on/{place}", rule.match_key) for place, rule in enumerate(definition.exit_on)]
    places += [("#/goal", definition.goal is not None and definition.goal.match_key)]
    places += [
        (f"#/nodes/{node_id}", node.match_key)
        for node_id, node in definition.nodes.items()
        if isinstance(node, WaitFor)
    ]
    for at, wants in places:
        if wants:
            yield Finding(f"{at}/match_key", "match_needs_key", "match_key compares entry.key, and the entry has none.")


def _parsed(at: str, read: Callable[[str], object], text: str, code: str) -> Iterator[Finding]:
    try:
        read(text)
    except ValueError as error:
        yield Finding(at, code, f"{text!r} cannot be read: {error}.")


def _lengths(definition: Definition) -> Iterator[Finding]:
    if definition.goal is not None:
        yield from _parsed("#/goal/within", parse_duration, definition.goal.within, "invalid_duration")


def _nodes(definition: Definition) -> Iterator[Finding]:
    for node_id, node in definition.nodes.items():
        at = f"#/nodes/{node_id}"
        if node_id == ENTRY:
            yield Finding(at, "reserved_name", "`entry` is where every journey begins; give the node another id.")
        if isinstance(node, Wait):
            yield from _wait(at, node)
        elif isinstance(node, WaitFor):
            yield from _parsed(f"{at}/timeout", parse_duration, node.timeout, "invalid_duration")
        elif isinstance(node, Split):
            yield from _split(at, node)
        elif isinstance(node, Branch):
            yield from _rule(f"{at}/rule", node.rule)
        elif isinstance(node, Send) and node.url is not None and node.channel != "webhook":
            yield Finding(f"{at}/url", "url_without_webhook", "Only the channel webhook has a URL; leave it out.")


def _wait(at: str, node: Wait) -> Iterator[Finding]:
    if sum(part is not None for part in (node.for_, node.until, node.at_local)) != 1:
        yield Finding(at, "wait_needs_one", "Give exactly one of for, until and at_local.")
        return
    if node.time_zone is not None and node.time_zone != CUSTOMER_ZONE:
        yield from _zone(f"{at[1:]}/time_zone", node.time_zone)
    if node.for_ is not None:
        yield from _parsed(f"{at}/for", parse_duration, node.for_, "invalid_duration")
    if node.at_local is not None:
        yield from _parsed(f"{at}/at_local", parse_local_time, node.at_local, "invalid_local_time")
    if isinstance(node.until, DateFrom) and (node.until.property is None) == (node.until.trait is None):
        yield Finding(
            f"{at}/until", "date_needs_one", "Name the date's place: a property of the entry event or a trait."
        )
    if isinstance(node.until, str) and not readable(node.until):
        detail = (
            f"{node.until!r} is no time; write RFC 3339 with its offset, such as 2026-11-12T09:00:00+08:00, or a day."
        )
        yield Finding(f"{at}/until", "invalid_date", detail)


def _split(at: str, node: Split) -> Iterator[Finding]:
    total = sum(variant.share_bp for variant in node.variants)
    if total != 10_000:
        detail = f"The shares sum to {total}; they must sum to exactly 10000 basis points."
        yield Finding(f"{at}/variants", "shares_not_whole", detail)
    if len(set(node.ports)) != len(node.ports):
        yield Finding(f"{at}/variants", "variant_twice", "Two variants share a name; each is a port, so rename one.")


def _rule(at: str, rule: object, depth: int = 1) -> Iterator[Finding]:
    """The shape only; what a leaf means is known to the segments service, which answers at run time."""
    if depth > DEEPEST_RULE:
        yield Finding(at, "invalid_rule", f"Rules nest at most {DEEPEST_RULE} deep; save the inner part as a segment.")
    elif not isinstance(rule, dict) or not rule:
        yield Finding(at, "invalid_rule", "A rule is all, any, not, or one leaf such as {'segment': 'seg_…'}.")
    else:
        yield from _combined(at, rule, depth)


def _combined(at: str, rule: dict[str, object], depth: int) -> Iterator[Finding]:
    words = [word for word in COMBINATORS if word in rule]
    if not words and not any(word in rule for word in LEAVES):
        yield Finding(at, "invalid_rule", f"Begin the rule with one of {', '.join((*COMBINATORS, *LEAVES))}.")
    elif words and len(rule) != 1:
        yield Finding(at, "invalid_rule", f"`{words[0]}` stands alone; put the other conditions inside it.")
    for word in words:
        inner = rule[word]
        if word == "not":
            yield from _rule(f"{at}/not", inner, depth + 1)
        elif not isinstance(inner, list) or not inner:
            yield Finding(f"{at}/{word}", "invalid_rule", f"`{word}` takes a list of at least one rule.")
        else:
            for place, part in enumerate(inner):
                yield from _rule(f"{at}/{word}/{place}", part, depth + 1)


def _edges(definition: Definition) -> Iterator[Finding]:
    wired: set[tuple[str, str]] = set()
    for place, edge in enumerate(definition.edges):
        at = f"#/edges/{place}"
        source, port, target = edge[0], edge[1] if len(edge) == 3 else OUT, edge[-1]
        ends_known = True
        for end, name in ((0, source), (len(edge) - 1, target)):
            if name not in definition.nodes and not (name == ENTRY and end == 0):
                ends_known = False
                detail = f"There is no node {name!r}; add it to nodes or rewire the edge."
                yield Finding(f"{at}/{end}", "unknown_node", detail)
        if not ends_known:
            continue
        ports = (OUT,) if source == ENTRY else definition.nodes[source].ports
        if port not in ports:
            offered = f"it has {', '.join(ports)}" if ports else "it has none"
            yield Finding(at, "unknown_port", f"{source!r} has no port {port!r}; {offered}.")
        elif (source, port) in wired:
            yield Finding(at, "port_wired_twice", f"The port {port!r} of {source!r} already leads somewhere; keep one.")
        wired.add((source, port))
    if (ENTRY, OUT) not in wired:
        yield Finding("#/edges", "entry_unwired", "Add an edge ['entry', first node]; otherwise nothing would happen.")


def _unreachable(definition: Definition) -> Iterator[Finding]:
    reached = {ENTRY}
    frontier = [ENTRY]
    while frontier:
        source = frontier.pop()
        for (start, _), target in definition.targets.items():
            if start == source and target not in reached:
                reached.add(target)
                frontier.append(target)
    for node_id in definition.nodes:
        if node_id not in reached:
            detail = f"No path from entry leads to {node_id!r}; wire it or remove it."
            yield Finding(f"#/nodes/{node_id}", "unreachable_node", detail)


def _loops(definition: Definition) -> Iterator[Finding]:
    """A circle of quick edges would spin for ever; an edge behind a wait of a minute or more is slow enough."""
    quick: dict[str, list[str]] = {}
    for (source, port), target in definition.targets.items():
        if not _slow(definition, source, port):
            quick.setdefault(source, []).append(target)
    for node_id in sorted(_circular(quick)):
        detail = f"The path comes back to {node_id!r} without a wait of at least a minute; add one."
        yield Finding(f"#/nodes/{node_id}", "loop_without_wait", detail)


def _slow(definition: Definition, source: str, port: str) -> bool:
    node = definition.nodes.get(source)
    if isinstance(node, Wait) and port == OUT:
        if node.at_local is not None:
            return True  # a node that is visited again waits for the next day
        return node.for_ is not None and _seconds(node.for_) >= SHORTEST_LOOP_WAIT
    return isinstance(node, WaitFor) and port == "timeout" and _seconds(node.timeout) >= SHORTEST_LOOP_WAIT


def _seconds(text: str) -> int:
    try:
        return parse_duration(text).at_least()
    except ValueError:
        return 0


def _circular(graph: dict[str, list[str]]) -> set[str]:
    """Nodes that lie on a circle: what is left after taking away, again and again, nodes without a way out or in."""
    edges = {(source, target) for source, targets in graph.items() for target in targets}
    while True:
        starts, ends = {source for source, _ in edges}, {target for _, target in edges}
        kept = {(source, target) for source, target in edges if target in starts and source in ends}
        if kept == edges:
            return {source for source, _ in edges}
        edges = kept


def missing(places: dict[str, list[str]], known: Iterable[str], code: str, what: str) -> list[Finding]:
    """One finding for each place that names an id outside `known`."""
    known_ids = set(known)
    return [
        Finding(pointer, code, f"There is no {what} {name!r}; create it first or name another.")
        for name, pointers in places.items()
        if name not in known_ids
        for pointer in pointers
    ]
