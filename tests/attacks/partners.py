"""Two partners and the merchant at one service, and the question whether the one learns anything of the other's objects."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from attacks.who_owns_what import OWNERSHIP
from kit.services import RunningService

from shared.ids import new_id
from shared.web import MERCHANT

Json = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One operation on an object of partner A. `{…}` in the route are filled from `ids`; the last of them names the object."""

    route: str
    ids: Json
    body: Any = None
    nobodys: str | None = None
    """An id that nobody has, where one made by chance would not be of the same kind."""

    def path(self, last: str) -> str:
        names = [part[1:-1] for part in self.route.split("/") if part.startswith("{")]
        return self.route.split(" ")[1].format(**{**self.ids, names[-1]: last})

    @property
    def real(self) -> str:
        names = [part[1:-1] for part in self.route.split("/") if part.startswith("{")]
        return str(self.ids[names[-1]])


class Partners:
    """Clients of partner A, of partner B, and of the merchant. The partners have every scope: only the wall is between them."""

    def __init__(self, running: RunningService) -> None:
        self.running = running
        self.a = running.client(owner_id="own_a", kind="partner")
        self.b = running.client(owner_id="own_b", kind="partner")
        self.merchant = running.client(owner_id=MERCHANT)
        self.made: list[str] = []
        """Ids and codes of A's objects."""

    def till(self, owner: str, shop_id: str = "shopA") -> httpx.AsyncClient:
        return self.running.client(owner_id=owner, kind="partner", shop_id=shop_id)

    async def make(self, path: str, body: Json | None = None, *, by: httpx.AsyncClient | None = None) -> Json:
        """POST by partner A, or by whom is named; the answer."""
        answer = await (by or self.a).post(path, json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        found: Json = answer.json()
        if by is None and "id" in found:
            self.made.append(found["id"])
        return found

    async def refuses_like_nothing(self, cases: Iterable[Case]) -> None:
        """B gets for each of A's objects what an id gets that nobody has; A finds its objects as they were."""
        cases = list(cases)
        before = await self._seen_by_a(cases)
        for case in cases:
            method = case.route.split(" ")[0]
            nobodys = case.nobodys or ("999999" if case.real.isdigit() else _like(case.real))
            answers = []
            for last in (case.real, nobodys):
                answer = await self.b.request(method, case.path(last), json=case.body)
                answers.append((answer.status_code, _plain(answer, last)))
            assert answers[0] == answers[1], case.route
            assert answers[0][0] == 404, (case.route, answers[0])
        assert await self._seen_by_a(cases) == before, "nothing that B tried changed anything"

    async def _seen_by_a(self, cases: list[Case]) -> Json:
        """What A and the merchant read of A's objects: the same."""
        seen: Json = {}
        for case in cases:
            if case.route.startswith("GET"):
                theirs = await self.a.get(case.path(case.real))
                assert theirs.status_code == 200, (case.route, theirs.text)
                assert (await self.merchant.get(case.path(case.real))).status_code == 200, case.route
                if "/token" not in case.route and "/qr.svg" not in case.route:
                    seen[case.route] = _plain(theirs, case.real)
        return seen

    async def lists_tell_nothing(self, paths: tuple[str, ...], queries: dict[str, list[Json]]) -> None:
        """No list under these paths shows B an id of A's, whatever the filters (each list has some that find it); A sees it."""
        lists = {route for route in _behind_the_wall(paths) if route.startswith("GET") and "{" not in route}
        assert set(queries) == lists, set(queries) ^ lists
        for route, tried in queries.items():
            for query in tried:
                theirs, mine = [await one.get(route.split(" ")[1], params=query) for one in (self.b, self.a)]
                assert theirs.status_code == mine.status_code == 200, (route, theirs.text, mine.text)
                assert not [one for one in self.made if one in theirs.text], (route, query)
                assert theirs.json()["data"] == [], (route, query)
                assert any(one in mine.text for one in self.made), (route, query)


def _like(real: str) -> str:
    """An id of the same kind that nobody has."""
    prefix, separator, _ = real.partition("_")
    return new_id(prefix) if separator else f"{real}x"


def _plain(answer: httpx.Response, name: str) -> str:
    """The answer without what each request has of its own."""
    if "json" not in answer.headers["content-type"]:
        return answer.text
    body = answer.json()
    body.pop("request_id", None)
    return json.dumps(body, sort_keys=True).replace(name, "…")


def cases_of(paths: tuple[str, ...], ids: Json, bodies: Json, nobodys: Json) -> list[Case]:
    """A case for every operation on one object behind the wall, under these paths."""
    routes = [route for route in _behind_the_wall(paths) if "{" in route]
    return [Case(route, ids, bodies.get(route), nobodys.get(route)) for route in routes]


def _behind_the_wall(paths: tuple[str, ...]) -> list[str]:
    behind = [route for route, policy in OWNERSHIP.items() if policy in ("OWN", "OFFERED")]
    return [route for route in behind if route.split(" ")[1].startswith(paths)]
