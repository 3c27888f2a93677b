"""Finds the route of a request. Part of the hot path."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.routes import ROUTES, Route


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    methods: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """Finds the route of a raw path, segment by segment; a literal segment goes before a parameter.

    Raises ValueError when two routes share method and shape.
    """

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if route.method in node.methods:
            raise ValueError(f"two routes for {route.method} {route.template}")
        node.methods[route.method] = route

    def match(self, method: str, path: str) -> Route | frozenset[str]:
        """The route of `path` (percent-encoded, as sent), or the methods that the path knows: none means unknown.

        HEAD has the route of GET.
        """
        wanted = "GET" if method == "HEAD" else method
        allowed: set[str] = set()
        for node in _leaves(self._root, path.split("/"), 1):
            found = node.methods.get(wanted)
            if found is not None:
                return found
            allowed.update(node.methods)
        return frozenset(allowed | {"HEAD"} if "GET" in allowed else allowed)

    def at(self, path: str) -> list[Route]:
        """Every route of `path`, one for each method it knows."""
        found: dict[str, Route] = {}
        for node in _leaves(self._root, path.split("/"), 1):
            found = {**node.methods, **found}
        return list(found.values())


def _leaves(node: _Node, segments: list[str], depth: int) -> Iterator[_Node]:
    if depth == len(segments):
        yield node
        return
    segment = segments[depth]
    literal = node.literals.get(segment)
    if literal is not None:
        yield from _leaves(literal, segments, depth + 1)
    if node.parameter is not None and segment:
        yield from _leaves(node.parameter, segments, depth + 1)
