"""The tour fails with a sentence when something is off, and only then."""

import io
from typing import Any

import pytest
from rich.console import Console

from suite.client import Problem
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
