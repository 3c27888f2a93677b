"""The tour fails with a sentence when something is off, and only then."""

import io
from typing import Any

import pytest
from rich.console import Console

from suite.client import Client, Problem
from suite.errors import Stop
from suite.settings import CallerSettings
from suite.tour.leftovers import of_campaign, of_story, take_back
from suite.tour.play import refuse_in_production
from suite.tour.receiver import Receiver
from suite.tour.stage import Stage, TourFailed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def stage(patience: float = 0.1) -> tuple[Stage, io.StringIO]:
    output = io.StringIO()
    return Stage(Console(file=output, width=200), patience), output


def test_what_is_off_says_where_and_what() -> None:
    told, _ = stage()
    told.scene("The purchase")
    with pytest.raises(TourFailed, match=r"Scene 1: the total should be 36000 but is 40000\."):
        told.equal("the total", 40_000, 36_000)


async def test_waiting_ends_with_what_did_not_happen() -> None:
    told, _ = stage()

    async def never() -> Any:
        raise Problem(404, {"code": "not_found", "detail": "There is no such run."}, "GET /v1/x")

    with pytest.raises(TourFailed, match=r"the run did not happen within .* There is no such run"):
        await told.until("the run", never)


async def test_a_refusal_that_time_cannot_mend_is_not_waited_for() -> None:
    told, _ = stage(60)

    async def refused() -> Any:
        raise Problem(403, {"code": "scope_missing", "detail": "no"}, "GET /v1/x")

    with pytest.raises(Problem):
        await told.until("the run", refused)


def test_markup_in_names_is_printed_as_it_is() -> None:
    told, output = stage()
    told.tell("a name", "[bold]x[/bold]", seconds=0.0123)
    assert "[bold]x[/bold]" in output.getvalue()
    assert "12 ms" in output.getvalue()


def test_a_forged_delivery_is_refused_and_kept_apart() -> None:
    receiver = Receiver("http://127.0.0.1:1/hooks", SECRET)
    assert receiver.take({"webhook-id": "e1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}, b"{}") == 401
    assert receiver.deliveries == []
    assert len(receiver.forged) == 1


class Recorded(Client):
    """Keeps the calls, and refuses some with a status."""

    def __init__(self, refused: dict[str, int], told: Any = None) -> None:
        super().__init__("http://127.0.0.1:1", "qy_test")
        self.calls: list[str] = []
        self._refused, self._told = refused, told

    async def call(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        self.calls.append(f"{method} {path}" + (f" {body['status']}" if body else ""))
        if path in self._refused:
            raise Problem(self._refused[path], {"code": "no", "detail": f"{path} says no."}, f"{method} {path}")

    async def status(self, path: str) -> tuple[int, Any]:
        return 200, self._told


async def test_everything_is_taken_back_whatever_becomes_of_one() -> None:
    client = Recorded({"/v1/code-batches/b": 409, "/v1/promotions/p": 404, "/v1/share-offers/s": 500})
    ids = {"promotion": "p", "batch": "b", "public": "c", "share": "s", "percent": "t1", "gift": "t2", "till": "k"}
    with pytest.raises(Problem, match="/v1/share-offers/s says no"):
        await take_back(client, of_campaign(ids))
    assert client.calls == [
        "PATCH /v1/promotions/p ended",
        "POST /v1/code-batches/b/void",
        "PATCH /v1/public-codes/c paused",
        "PATCH /v1/share-offers/s paused",
        "PATCH /v1/coupon-templates/t1 ended",
        "PATCH /v1/coupon-templates/t2 ended",
        "DELETE /v1/keys/k",
    ]
    await take_back(client, of_story({}))
    assert len(client.calls) == 7, "nothing was made: nothing is taken back"


@pytest.mark.parametrize(
    ("own", "told", "refused"),
    [
        ("development", {"environment": "development"}, False),
        ("development", {"status": "ready"}, False),
        ("development", None, False),
        ("development", {"environment": "production"}, True),
        ("production", {"environment": "development"}, True),
    ],
)
async def test_the_tour_asks_before_it_plays_in_production(own: Any, told: Any, refused: bool) -> None:
    settings, client = CallerSettings(environment=own), Recorded({}, told)
    if not refused:
        await refuse_in_production(client, settings)
        return
    with pytest.raises(Stop, match="quanyu tour --in-production"):
        await refuse_in_production(client, settings)
    assert client.calls == []
